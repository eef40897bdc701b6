/*
 * a1111_encode.h - a job as AUTOMATIC1111 answers and shows it.
 *
 * All give JSON that the caller frees, NULL without memory.
 */
#ifndef A1111_ENCODE_H
#define A1111_ENCODE_H

#include <stdbool.h>

#include <latentd/json.h>

#include "api/a1111_models.h"
#include "jobs/jobs.h"

/* {"images", "parameters", "info"} of a job that succeeded: pictures as base64, the request with every
 * default filled in, and what came of it, which is JSON in a string. */
struct ltd_json *a1111_answer_encode(const struct job_view *job, const struct a1111_catalog *catalog);

/* GET progress: of the job given, NULL when there is none of this family.  preview: its newest, or NULL. */
struct ltd_json *a1111_progress_encode(const struct job_view *job, const struct blob *preview);

/* POST /internal/progress: of the job of one task, NULL when nobody knows it.  shown is the client's number
 * of the preview that it shows already; number is that of `preview`, NULL: none. */
struct ltd_json *a1111_task_encode(const struct job_view *job, const struct blob *preview, int64_t number,
                                   int64_t shown);

/* The name that a job goes by as a task: what its client chose, else "task(ID)". */
enum { A1111_TASK_NAME_SIZE = 64 };
const char *a1111_task_name(const struct job_record *job, char name[A1111_TASK_NAME_SIZE]);

#endif
