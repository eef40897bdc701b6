/*
 * job_request.h - what a job is asked to make; but for its pixels, it never changes once it is shared.
 */
#ifndef JOB_REQUEST_H
#define JOB_REQUEST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <latentd/params.h>

/* What is drawn otherwise than asked. */
struct job_warning {
    char *field; /* wire name: "prompt" */
    char *message;
};

enum { JOB_MAX_WARNINGS = 16 };

struct job_request {
    atomic_uint references;
    struct ltd_gen_params params; /* its strings and its image are owned by the request */
    char *prompt, *negative_prompt;
    struct ltd_image *image;
    size_t model;  /* index in the model set */
    bool metadata; /* the settings stand in the PNG */
    struct job_warning warnings[JOB_MAX_WARNINGS];
    size_t warning_count;
};

/* Zeroed, with one reference; NULL without memory. */
struct job_request *job_request_new(void);
struct job_request *job_request_ref(struct job_request *request); /* returns it; safe on any thread */
void job_request_unref(struct job_request *request);              /* NULL is fine */

/* Copies both texts; false without memory, or when there are JOB_MAX_WARNINGS already. */
bool job_request_warn(struct job_request *request, const char *field, const char *message);

/* Frees the pixels of the image, which only the job's worker reads, once the job has ended; that there was an
 * image, and its size, stay known. */
void job_request_drop_pixels(struct job_request *request);

/* Bytes it keeps. */
size_t job_request_bytes(const struct job_request *request);

#endif
