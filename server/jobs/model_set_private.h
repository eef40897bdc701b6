/*
 * model_set_private.h - what changes of the models of a set.
 */
#ifndef MODEL_SET_PRIVATE_H
#define MODEL_SET_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "jobs/model_set.h"

/* Of the weights.  BUSY: somebody loads or unloads them, without the lock. */
enum slot_state { SLOT_EMPTY, SLOT_BUSY, SLOT_LOADED };

/* Guarded by the set's lock, but for shapes. */
struct model_slot {
    struct ltd_model *_Atomic shapes; /* NULL: nobody has asked; written once */
    bool opening;                     /* somebody opens the shapes */
    enum slot_state state;
    struct ltd_model *model; /* with its weights; NULL unless LOADED */
    size_t users;            /* who may have it while this is not 0: it is not unloaded then */
    uint64_t bytes;          /* that it counts for, unless EMPTY */
    uint64_t used_at;        /* when it was taken or released last, by model_state.clock */
    double loaded_at;        /* clock_monotonic */
};

struct model_state {
    pthread_mutex_t lock;       /* a leaf; never held while files are read */
    pthread_cond_t changed;     /* an opening, a load or an unload has ended */
    uint64_t clock;             /* guarded by lock */
    struct model_counts counts; /* guarded by lock; a model that is being loaded counts in bytes */
};

/* Opens a model of the set with its embeddings, LoRAs and ControlNets, for its shapes alone or to draw with,
 * and tells the log what of these is no use to it, the first time.  Messages name it. */
LTD_MUST_USE enum ltd_status model_set_read(const struct model_set *set, size_t index, bool shapes,
                                            struct ltd_model **out, struct ltd_error *err);

#endif
