#include <assert.h>
#include <stdio.h>

#include "jobs/model_set_private.h"
#include "util/clock.h"

static void tell(const struct model_set *set, size_t index, const char *event, double seconds)
{
    char time[32], bytes[24];

    if (!set->log)
        return;
    snprintf(time, sizeof time, "%.3f", seconds);
    snprintf(bytes, sizeof bytes, "%llu",
             (unsigned long long)ltd_model_info(model_set_shapes(set, index))->file_bytes);
    log_event(set->log, LOG_INFO, event,
              (struct log_field[]){
                  {"model", set->items[index].name, true}, {"seconds", time, false}, {"bytes", bytes, false}},
              3);
}

/* Under the lock, which is given up meanwhile. */
static void unload(const struct model_set *set, size_t index)
{
    struct model_state *state = set->state;
    struct model_slot *slot = set->items[index].slot;
    struct ltd_model *model = slot->model;
    const double held = clock_monotonic() - slot->loaded_at;

    slot->state = SLOT_BUSY;
    slot->model = NULL;
    /* At once: two that are released together would otherwise each make room for the other. */
    state->counts.bytes -= slot->bytes;
    state->counts.loaded--;
    state->counts.unloads++;
    pthread_mutex_unlock(&state->lock);
    ltd_model_close(model);
    tell(set, index, "model_unloaded", held);
    pthread_mutex_lock(&state->lock);
    slot->state = SLOT_EMPTY;
    pthread_cond_broadcast(&state->changed);
}

/* The loaded model that nobody uses and that was not used the longest; set->count: there is none. */
static size_t find_oldest(const struct model_set *set)
{
    size_t oldest = set->count;

    for (size_t i = 0; i < set->count; i++) {
        const struct model_slot *slot = set->items[i].slot;

        if (slot->state == SLOT_LOADED && slot->users == 0 &&
            (oldest == set->count || slot->used_at < set->items[oldest].slot->used_at))
            oldest = i;
    }
    return oldest;
}

/* Unloads until there is no more than set->memory, or no more than one model, or no more that nobody uses.
 * Under the lock, which is given up meanwhile. */
static void trim(const struct model_set *set)
{
    const struct model_state *state = set->state;
    size_t oldest;

    while (set->memory > 0 && state->counts.bytes > set->memory && state->counts.loaded > 1 &&
           (oldest = find_oldest(set)) < set->count)
        unload(set, oldest);
}

/* Under the lock, which is given up meanwhile. */
static enum ltd_status load(const struct model_set *set, size_t index, const struct ltd_model *shapes,
                            struct ltd_error *err)
{
    struct model_state *state = set->state;
    struct model_slot *slot = set->items[index].slot;
    const double start = clock_monotonic();
    struct ltd_model *model = NULL;
    enum ltd_status st;

    slot->state = SLOT_BUSY;
    slot->bytes = ltd_model_info(shapes)->file_bytes;
    state->counts.bytes += slot->bytes;
    state->counts.loaded++;
    trim(set);
    pthread_mutex_unlock(&state->lock);
    st = model_set_read(set, index, false, &model, err);
    if (st == LTD_OK) {
        tell(set, index, "model_loaded", clock_monotonic() - start);
        if (set->on_read)
            set->on_read(set->on_read_arg, index);
    }
    pthread_mutex_lock(&state->lock);
    slot->model = model;
    slot->state = st == LTD_OK ? SLOT_LOADED : SLOT_EMPTY;
    slot->loaded_at = clock_monotonic();
    if (st == LTD_OK) {
        state->counts.loads++;
    } else {
        state->counts.bytes -= slot->bytes;
        state->counts.loaded--;
        state->counts.failures++;
    }
    pthread_cond_broadcast(&state->changed);
    return st;
}

enum ltd_status model_set_take(const struct model_set *set, size_t index, const struct ltd_model **out,
                               struct ltd_error *err)
{
    struct model_state *state = set->state;
    struct model_slot *slot = set->items[index].slot;
    const struct ltd_model *shapes;
    enum ltd_status st = model_set_ask(set, index, &shapes, err);

    if (st != LTD_OK)
        return st;
    pthread_mutex_lock(&state->lock);
    while (slot->state == SLOT_BUSY)
        pthread_cond_wait(&state->changed, &state->lock);
    if (slot->state == SLOT_EMPTY)
        st = load(set, index, shapes, err);
    if (st == LTD_OK) {
        slot->users++;
        slot->used_at = ++state->clock;
        *out = slot->model;
    }
    pthread_mutex_unlock(&state->lock);
    return st;
}

void model_set_release(const struct model_set *set, size_t index)
{
    struct model_state *state = set->state;
    struct model_slot *slot = set->items[index].slot;

    pthread_mutex_lock(&state->lock);
    assert(slot->users > 0);
    slot->users--;
    slot->used_at = ++state->clock;
    trim(set);
    pthread_mutex_unlock(&state->lock);
}

void model_set_unload(const struct model_set *set, size_t index)
{
    struct model_state *state = set->state;
    const struct model_slot *slot = set->items[index].slot;

    pthread_mutex_lock(&state->lock);
    if (slot->state == SLOT_LOADED && slot->users == 0)
        unload(set, index);
    pthread_mutex_unlock(&state->lock);
}

bool model_set_is_loaded(const struct model_set *set, size_t index)
{
    struct model_state *state = set->state;
    bool loaded;

    pthread_mutex_lock(&state->lock);
    loaded = set->items[index].slot->state == SLOT_LOADED;
    pthread_mutex_unlock(&state->lock);
    return loaded;
}

void model_set_count(const struct model_set *set, struct model_counts *out)
{
    struct model_state *state = set->state;

    pthread_mutex_lock(&state->lock);
    *out = state->counts;
    pthread_mutex_unlock(&state->lock);
}
