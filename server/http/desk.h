/*
 * desk.h - one thread for handlers that take more than a moment, so that the HTTP thread never does.
 */
#ifndef DESK_H
#define DESK_H

#include <pthread.h>
#include <stdbool.h>

/* Work to be done; part of the memory of who brings it, which must live until run has begun. */
struct desk_item {
    void (*run)(struct desk_item *item); /* on the desk's thread, with no lock held */
    struct desk_item *next;
};

struct desk {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t brought;
    struct desk_item *first, *last; /* guarded by lock */
    bool stop;                      /* guarded by lock */
};

bool desk_open(struct desk *desk);  /* false: the thread does not start */
void desk_close(struct desk *desk); /* runs what is left, and ends the thread */

/* Appends item; the desk does not touch it any more once its run has begun. */
void desk_bring(struct desk *desk, struct desk_item *item);

#endif
