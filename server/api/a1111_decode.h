/*
 * a1111_decode.h - a request of AUTOMATIC1111 to the native fields (request_decode_json), and what its answer
 * needs of it later.
 */
#ifndef A1111_DECODE_H
#define A1111_DECODE_H

#include <stdbool.h>

#include <latentd/json.h>

#include "api/a1111_fields.h"
#include "api/a1111_options.h"
#include "api/a1111_refusal.h"
#include "store/job_request.h"

/* What is drawn or done otherwise than asked; a job's warning. */
struct a1111_note {
    char field[64];
    char message[160];
};

enum { A1111_TASK_SIZE = 51 };

struct a1111_asked {
    struct ltd_json *native; /* owned */
    /* The fields as they were sent, for the answer's `parameters`: without pictures, unless they are asked
     * for; owned. */
    struct ltd_json *echo;
    char task[A1111_TASK_SIZE]; /* force_task_id; "": none */
    struct a1111_note notes[JOB_MAX_WARNINGS];
    size_t note_count;
};

/* Reads a parsed body.  standing: what the options say.  False: *refusal says everything that is wrong before
 * the native fields are looked at.  The caller ends *out with a1111_asked_fini in either case. */
bool a1111_decode(const struct ltd_json *document, enum a1111_route route,
                  const struct a1111_settings *standing, const struct a1111_catalog *catalog,
                  struct a1111_asked *out, struct a1111_refusal *refusal);
void a1111_asked_fini(struct a1111_asked *asked); /* also of a zeroed struct */

/* Gives a job's request what is the family's: its notes as warnings, the task as a tag, the echo.  False
 * without memory. */
bool a1111_dress_request(const struct a1111_asked *asked, struct job_request *request);

/* The tag by which the job of a task is found. */
enum { A1111_TAG_SIZE = A1111_TASK_SIZE + 8 };
const char *a1111_tag(const char *task, char tag[A1111_TAG_SIZE]);
/* The task that a job's tags tell; NULL: it was given none. */
const char *a1111_task_of(const struct job_request *request);

#endif
