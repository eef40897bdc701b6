/*
 * live.h - what there is about a job only while the process lives: its events, who watches it, and when its
 * time is up.
 *
 * A live is made with its job and dropped when the store has expired it.  Everything here is guarded by
 * jobs->lock.
 */
#ifndef LIVE_H
#define LIVE_H

#include "jobs/cost_model.h"
#include "jobs/event_log.h"
#include "jobs/jobs.h"
#include "util/hash_table.h"

struct live;
struct worker;

/* Somebody who is to be told. */
struct watcher {
    struct job_watch watch;
    struct watcher *next;     /* of the same job */
    struct watcher *due_next; /* in lives.due */
    bool due;                 /* stands there */
    bool once;                /* belongs to no job any more: freed when it has been told */
};

struct live_list {
    struct live *first, *last;
};

struct live {
    char id[RANDOM_ID_SIZE];
    struct hash_node by_id;
    struct live_list *list;       /* the one it stands in */
    struct live *next, *previous; /* there */
    struct event_log log;
    struct watcher *watchers;
    struct worker *worker; /* NULL: it does not run */
    struct job_cost cost;
    struct cost_seconds seconds; /* what that takes, by the estimates of seconds_version */
    unsigned seconds_version;
    int position;    /* told last */
    bool detach;     /* its request may outlive its clients */
    bool has_holder; /* somebody may come back for it: it is kept whoever hangs up */
    bool ended;
    bool removed;           /* to be removed from the store once it has ended */
    enum ltd_status doom;   /* why it will not come to its end; LTD_OK: it may */
    double deadline;        /* it fails then; 0: never.  These four are clock_monotonic. */
    double orphaned_until;  /* it is canceled then; 0: it is no orphan */
    double previewed_until; /* somebody looks at previews until then */
    double ended_at;        /* when ended */
};

struct lives {
    struct hash_table by_id;
    struct live_list unfinished; /* that wait or run, oldest first */
    struct live_list ended;      /* in the order in which they ended */
    struct live_list settled;    /* the older ones of these, whose logs are trimmed */
    struct live_list removed;    /* that were removed from the store before their time */
    struct watcher *due;         /* to be told as soon as the lock is free */
};

/* False without memory, or random numbers. */
bool lives_init(struct lives *lives);
void lives_fini(struct lives *lives); /* also of a zeroed struct */

struct live *live_new(void);       /* NULL without memory */
void live_free(struct live *live); /* of one that was not added; NULL is fine */
/* NULL: there is none. */
struct live *live_find(const struct lives *lives, const char *id);
/* Adds a new live, of a job that was just submitted. */
void live_add(struct lives *lives, struct live *live, const char *id);

/* NULL without memory. */
struct watcher *watcher_new(const struct job_watch *watch);
/* Leaves a watch, which may be due at once. */
void live_watch(struct lives *lives, struct live *live, struct watcher *watcher);
/* Takes the watch with that number away; false: there is none.  *wants_job: what it had said. */
bool live_unwatch(struct lives *lives, struct live *live, uint64_t number, bool *wants_job);
/* Whether a client waits for whom the job is. */
bool live_is_wanted(const struct live *live);
bool live_is_followed(const struct live *live); /* watched event by event */
bool live_wants_previews(const struct live *live, double now);

/* Adds an event, whose picture is taken, and makes those who watch due. */
void live_event(struct lives *lives, struct live *live, struct job_event *event);
/* Adds the last event. */
void live_end(struct lives *lives, struct live *live, enum job_state state);
/* Of one that has ended, and was just removed from the store. */
void live_remove(struct lives *lives, struct live *live);

/* Takes up to room of those that are due: who is to be called now that the lock is about to be free. */
size_t lives_take_due(struct lives *lives, struct job_notify *out, size_t room);
/* Trims the logs of those that ended a while ago, and drops those that the store has no more. */
void lives_expire(struct lives *lives, struct job_store *store, double now);

#endif
