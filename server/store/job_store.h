/*
 * job_store.h - where jobs are kept, and the queue they wait in.
 *
 * One interface for every back end.  All functions may be called from any thread.  A job belongs to the store
 * from add to expiry; everybody else names it by id and gets copies.
 */
#ifndef JOB_STORE_H
#define JOB_STORE_H

#include <stdbool.h>

#include <latentd/error.h>

#include "store/job.h"

enum job_found {
    JOB_FOUND,
    JOB_EXPIRED, /* it existed, and is no longer kept */
    JOB_UNKNOWN
};

struct job_counts {
    int waiting, running;
};

struct job_store;

struct job_store_ops {
    /* Stores a job as the last of those that wait, takes a reference to request, and writes its new id.  What
     * it stored outlives whatever add promises the back end's user before it returns.
     * Errors: LTD_ETOOBIG no room would ever do for the request; LTD_EFULL as many wait as may, or no room is
     * left for it now; LTD_EIO; LTD_ENOMEM. */
    enum ltd_status (*add)(struct job_store *store, struct job_request *request, char id[RANDOM_ID_SIZE],
                           struct ltd_error *err);
    /* Makes the job that has waited longest a running one and copies it.  False: none waits. */
    bool (*claim)(struct job_store *store, struct job_record *out);
    /* Ends a running job; takes what result owns and leaves it zeroed. */
    void (*finish)(struct job_store *store, const char *id, struct job_result *result);
    /* Ends a job that waits as canceled, for the reason given; false when it does not wait. */
    bool (*cancel_waiting)(struct job_store *store, const char *id, const struct ltd_error *reason);
    /* Copies a job to *out when it is found. */
    enum job_found (*get)(struct job_store *store, const char *id, struct job_record *out);
    struct job_counts (*count)(struct job_store *store);
    /* Whether add would find too many waiting. */
    bool (*is_full)(struct job_store *store);
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
