/*
 * job_store.h - where jobs are kept, and the queue they wait in.
 *
 * One interface for every back end.  All functions may be called from any thread.  A job belongs to the store
 * from add to expiry; everybody else names it by id and gets copies.  What must outlive the process, where a
 * back end promises that, goes through here; what only the living can use (events, who waits) does not.
 */
#ifndef JOB_STORE_H
#define JOB_STORE_H

#include <stdbool.h>

#include <latentd/error.h>

#include "store/job.h"

enum job_found {
    JOB_FOUND,
    JOB_EXPIRED,  /* it existed, and is no longer kept */
    JOB_UNKNOWN,  /* there never was such a job, as far as anybody remembers */
    JOB_NO_MEMORY /* it may be there; there is no memory for the answer */
};

struct job_counts {
    int waiting, running;
};

/* One job to store.  Everything is borrowed for the length of the call, of which add takes copies and a
 * reference to request. */
struct job_entry {
    struct job_request *request;
    const char *id;             /* chosen by the client, in the form of an id; NULL: one is drawn */
    const char *key;            /* by which the client may repeat the request; NULL: none */
    const char *group;          /* in the form of an id; NULL: none */
    const uint8_t *fingerprint; /* [SHA256_SIZE] of what was asked; NULL only without id, key and join */
    bool join;                  /* also any job of the same fingerprint will do */
};

struct job_added {
    char id[RANDOM_ID_SIZE];
    bool joined; /* nothing new was stored: this is a job that was there */
};

/* Which jobs to list. */
struct job_filter {
    unsigned states;    /* bits 1 << enum job_state; 0: all */
    unsigned families;  /* bits 1 << enum job_family; 0: all */
    const char *tag;    /* NULL: any */
    const char *group;  /* NULL: any */
    const char *cursor; /* id of the last job of the page before; NULL: from the newest on */
};

struct job_store;

struct job_store_ops {
    /* Stores jobs as the last of those that wait, or none of them, and writes out[count].  A job whose id, or
     * else whose key, is there already joins that one, in whatever state, when the fingerprints are equal;
     * with entry.join it joins the newest one of the same fingerprint that waits, runs (and is not doomed) or
     * succeeded.  What it stored outlives whatever the back end promises before this returns.
     * Errors: LTD_ECONFLICT an id or a key of another request, or the id of an expired job; LTD_ETOOBIG no
     * room would ever do; LTD_EFULL as many wait as may, or no room is left now; LTD_EIO; LTD_ENOMEM. */
    enum ltd_status (*add)(struct job_store *store, const struct job_entry *entries, size_t count,
                           struct job_added *out, struct ltd_error *err);
    /* Makes the job that has waited longest a running one and copies it.  False: none waits. */
    bool (*claim)(struct job_store *store, struct job_record *out);
    /* Ends a running job; takes what result owns and leaves it zeroed. */
    void (*finish)(struct job_store *store, const char *id, struct job_result *result);
    /* Ends a job that waits, as JOB_CANCELED or JOB_FAILED, for the reason given; false when it does not
     * wait.
     */
    bool (*end_waiting)(struct job_store *store, const char *id, enum job_state state,
                        const struct ltd_error *reason);
    /* A running job will not come to its end: from now on, no request joins it for its fingerprint. */
    void (*doom)(struct job_store *store, const char *id);
    /* Expires a job that has ended; false when it has not. */
    bool (*remove)(struct job_store *store, const char *id);
    enum job_found (*find)(struct job_store *store, const char *id);
    /* Copies a job to *out when it is found. */
    enum job_found (*get)(struct job_store *store, const char *id, struct job_record *out);
    /* Its place among those that wait, from 1; 0: does not wait. */
    int (*position)(struct job_store *store, const char *id);
    /* Copies up to room jobs, newest first, to out[*count]; *more: there are others after these.
     * Errors: LTD_ENOTFOUND nobody remembers the cursor's job; LTD_ENOMEM; nothing is copied then. */
    enum ltd_status (*list)(struct job_store *store, const struct job_filter *filter, struct job_record *out,
                            size_t room, size_t *count, bool *more, struct ltd_error *err);
    struct job_counts (*count)(struct job_store *store);
    int (*limit)(struct job_store *store); /* jobs that may wait */
    /* Writes the id of the job that has waited longest; false: none waits. */
    bool (*peek)(struct job_store *store, char id[RANDOM_ID_SIZE]);
    /* Forgets what is old enough. */
    void (*expire)(struct job_store *store);
    void (*close)(struct job_store *store);
};

/* The first member of every back end's struct. */
struct job_store {
    const struct job_store_ops *ops;
};

#endif
