/*
 * job.h - a job as everybody sees it.
 *
 * queued -> running -> succeeded | failed | canceled; a finished job is kept for a while, then it is expired:
 * only its id is remembered.
 */
#ifndef JOB_H
#define JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <latentd/error.h>

#include "store/job_request.h"
#include "util/blob.h"
#include "util/random_id.h"
#include "util/sha256.h"

enum job_state { JOB_QUEUED, JOB_RUNNING, JOB_SUCCEEDED, JOB_FAILED, JOB_CANCELED, JOB_STATE_COUNT };

const char *job_state_name(enum job_state state); /* "queued", ...; static storage */
bool job_state_is_final(enum job_state state);

struct job_image {
    struct blob *file;
    enum ltd_picture_format format;
    uint64_t seed;
    int width, height;
    char sha256[SHA256_TEXT_SIZE]; /* of the bytes of file */
};

/* Seconds, over all images of the job. */
struct job_timings {
    double load_s; /* until the model's weights were there */
    double text_s, encode_s, sample_s, decode_s, png_s;
    bool recalled; /* the model remembered some of the prompts: text_s is less than the work that was foretold
                    */
};

/* What running a job came to. */
struct job_result {
    enum job_state state;     /* a final one */
    struct job_image *images; /* [image_count], of which each file is owned; only when it succeeded */
    int image_count;
    struct job_timings timings;
    struct ltd_error error; /* when it did not succeed */
};

void job_result_fini(struct job_result *result); /* also of a zeroed struct */

/* A copy of all that is stored about a job; holds references, ended with job_record_fini. */
struct job_record {
    char id[RANDOM_ID_SIZE];
    char group[RANDOM_ID_SIZE]; /* the batch it came in; "": none */
    enum job_state state;
    struct job_request *request;
    int64_t created_ms, started_ms, ended_ms; /* since 1970; 0: not yet */
    int position;                             /* among the waiting, from 1; 0: does not wait */
    struct job_result result;                 /* once the state is final */
};

void job_record_fini(struct job_record *record); /* also of a zeroed struct */

#endif
