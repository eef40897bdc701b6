/*
 * job_request.h - what a job is asked to make; it never changes once it is shared.
 */
#ifndef JOB_REQUEST_H
#define JOB_REQUEST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <latentd/image.h>
#include <latentd/params.h>
#include <latentd/upscale.h>

/* What is drawn otherwise than asked. */
struct job_warning {
    char *field; /* wire name: "prompt" */
    char *message;
};

/* In which form a job was asked for, and is answered. */
enum job_family { JOB_NATIVE, JOB_OPENAI, JOB_A1111, JOB_HF, JOB_FAMILY_COUNT };

const char *job_family_name(enum job_family family); /* "native", "openai", "a1111", "hf" */

enum webhook_event {
#define WEBHOOK_EVENT(id, name, standard) WEBHOOK_##id,
#include "store/webhook_events.def"
#undef WEBHOOK_EVENT
    WEBHOOK_EVENT_COUNT
};

const char *webhook_event_name(enum webhook_event event); /* "job.started", ...; static storage */
int webhook_event_find(const char *name);                 /* -1: there is none of that name */

enum { JOB_MAX_WARNINGS = 32, JOB_MAX_TAGS = 16, JOB_MAX_TAG_BYTES = 64, JOB_MAX_URL_BYTES = 2048 };

/* A picture that is made larger. */
struct job_upscale {
    struct ltd_upscale_params params; /* names and picture are its own */
    char *before;                     /* the settings that the picture came with; NULL: none */
};

/* How many pixels a picture is continued by beyond each edge. */
struct outpaint {
    int left, right, top, bottom;
};

struct job_request {
    atomic_uint references;
    struct ltd_gen_params params; /* its strings and its images are owned by the request */
    char *prompt, *negative_prompt;
    char *hr_network;                     /* what params.hr_network shows; NULL: nothing */
    struct ltd_lora loras[LTD_MAX_LORAS]; /* what params.loras shows; with names of their own */
    struct ltd_control
        controls[LTD_MAX_CONTROLS]; /* what params.controls shows; names and pictures are its own */
    struct ltd_image *image, *mask;
    struct outpaint outpaint; /* what image and mask were made with; zeroed: nothing */
    /* [params.count]: nothing is drawn, and of params all but count and numerics is without meaning; NULL: it
     * is drawn */
    struct job_upscale *upscales;
    size_t model;                 /* index in the model set */
    struct ltd_picture_form form; /* of the pictures */
    bool metadata;                /* the settings stand in them */
    struct job_warning warnings[JOB_MAX_WARNINGS];
    size_t warning_count;
    enum job_family family;
    char *tags[JOB_MAX_TAGS]; /* by which jobs are listed */
    size_t tag_count;
    char *webhook_url;       /* NULL: nobody is told */
    unsigned webhook_events; /* bits 1 << enum webhook_event; not 0 when there is a URL */
    double deadline_s;       /* a job that has not ended this long after its creation fails; 0: no limit */
    char *echo;  /* what the family's answer tells of the request beside all this, as JSON; NULL: nothing */
    bool detach; /* a client that goes away leaves its job behind for a while (jobs_abandon) */
};

/* Zeroed, with one reference; NULL without memory. */
struct job_request *job_request_new(void);
struct job_request *job_request_ref(struct job_request *request); /* returns it; safe on any thread */
void job_request_unref(struct job_request *request);              /* NULL is fine */

/* Copies both texts; false without memory, or when there are JOB_MAX_WARNINGS already. */
bool job_request_warn(struct job_request *request, const char *field, const char *message);

/* Copies the adapter to the end of params.loras; false without memory, or when there are LTD_MAX_LORAS
 * already. */
bool job_request_add_lora(struct job_request *request, const struct ltd_lora *lora);

/* The same of a control, whose picture is taken, also when this fails; LTD_MAX_CONTROLS. */
bool job_request_add_control(struct job_request *request, const struct ltd_control *control,
                             struct ltd_image *picture);

/* Adds a picture to be made larger, and counts it in params.count.  Copies the names; takes the picture and
 * before (may be NULL), also when this fails: without memory. */
bool job_request_add_upscale(struct job_request *request, const struct ltd_upscale_params *params,
                             struct ltd_image *picture, char *before);

/* Copies the tag; false without memory, or when there are JOB_MAX_TAGS already. */
bool job_request_tag(struct job_request *request, const char *tag);
bool job_request_has_tag(const struct job_request *request, const char *tag);

/* Copies url; events 0 are those that the table marks.  False without memory. */
bool job_request_set_webhook(struct job_request *request, const char *url, unsigned events);

/* Bytes it keeps. */
size_t job_request_bytes(const struct job_request *request);

#endif
