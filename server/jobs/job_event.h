/*
 * job_event.h - what happens to a job, in the order in which it happened.
 */
#ifndef JOB_EVENT_H
#define JOB_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <latentd/session.h>

#include "store/job.h"
#include "util/blob.h"

/* How far a running job is. */
struct job_progress {
    enum ltd_phase phase;
    int image;       /* the one being made, from 0 */
    int step, steps; /* model evaluations of that image */
    double fraction; /* of the whole job, 0..1 */
};

enum job_event_type {
    JOB_EVENT_QUEUED,   /* position */
    JOB_EVENT_POSITION, /* position */
    JOB_EVENT_STARTED,
    JOB_EVENT_PROGRESS, /* progress; at each phase and each step */
    JOB_EVENT_PREVIEW,  /* progress; picture: a PNG of latent size, one pixel a latent pixel */
    JOB_EVENT_IMAGE,    /* image; picture: its file, unless the job failed or was canceled later on */
    JOB_EVENT_ENDED     /* state; always the last one */
};

struct job_event {
    uint64_t number; /* from 1 in every job; never used twice, and some may be missing */
    int64_t at_ms;   /* since 1970 */
    enum job_event_type type;
    enum job_state state; /* of the job after it */
    struct job_progress progress;
    int position;                   /* among those that wait, from 1 */
    int image;                      /* index */
    struct blob *picture;           /* owned; NULL: none */
    enum ltd_picture_format format; /* of the picture */
    double eta_s;                   /* until the end of the job, as known then */
};

void job_event_fini(struct job_event *event); /* also of a zeroed struct */

#endif
