#include "store/memory_store.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "util/clock.h"

enum { BUCKETS = 4096 };

struct entry {
    char id[RANDOM_ID_SIZE];
    struct job_record
        *record;  /* NULL once the job is expired: thousands of ids are remembered, and must be small */
    double ended; /* clock_monotonic, of the job or of its being kept */
    size_t bytes; /* that count against keep_bytes */
    struct entry *next, *previous; /* in one of the lists */
    struct entry *bucket_next;
};

struct list {
    struct entry *first, *last;
    int count;
};

struct memory_store {
    struct job_store base;
    struct memory_store_limits limits;
    pthread_mutex_t lock; /* guards all below; no other lock is taken under it */
    struct entry *buckets[BUCKETS];
    struct list waiting, running, finished, expired;
    size_t bytes, unfinished_bytes; /* of all jobs; of those that wait or run */
};

static void append(struct list *list, struct entry *entry)
{
    entry->next = NULL;
    entry->previous = list->last;
    if (list->last)
        list->last->next = entry;
    else
        list->first = entry;
    list->last = entry;
    list->count++;
}

static void take_out(struct list *list, struct entry *entry)
{
    if (entry->previous)
        entry->previous->next = entry->next;
    else
        list->first = entry->next;
    if (entry->next)
        entry->next->previous = entry->previous;
    else
        list->last = entry->previous;
    list->count--;
}

/* Ids are random, so their first three digits spread as well as any hash. */
static struct entry **bucket_of(struct memory_store *store, const char *id)
{
    const char digits[4] = {id[0], id[1], id[2], '\0'};

    return &store->buckets[strtoul(digits, NULL, 16) % BUCKETS];
}

static struct entry *find(struct memory_store *store, const char *id)
{
    struct entry *entry = *bucket_of(store, id);

    while (entry && strcmp(entry->id, id) != 0)
        entry = entry->bucket_next;
    return entry;
}

static void forget(struct memory_store *store, struct entry *entry)
{
    struct entry **link = bucket_of(store, entry->id);

    while (*link != entry)
        link = &(*link)->bucket_next;
    *link = entry->bucket_next;
    take_out(&store->expired, entry);
    free(entry);
}

static void free_record(struct entry *entry)
{
    if (entry->record)
        job_record_fini(entry->record);
    free(entry->record);
    entry->record = NULL;
}

static void expire_oldest(struct memory_store *store, double now)
{
    struct entry *entry = store->finished.first;

    take_out(&store->finished, entry);
    free_record(entry);
    entry->ended = now;
    store->bytes -= entry->bytes;
    entry->bytes = 0;
    append(&store->expired, entry);
}

static bool is_due(const struct memory_store *store, const struct entry *finished, double now)
{
    const struct memory_store_limits *limits = &store->limits;
    const double age = now - finished->ended;

    return age >= limits->keep_s || (store->bytes > limits->keep_bytes && age >= limits->fresh_s);
}

static void expire_locked(struct memory_store *store)
{
    const struct memory_store_limits *limits = &store->limits;
    const double now = clock_monotonic();

    while (store->finished.first && is_due(store, store->finished.first, now))
        expire_oldest(store, now);
    while (store->expired.first && (store->expired.count > limits->remembered ||
                                    now - store->expired.first->ended >= limits->remember_s))
        forget(store, store->expired.first);
}

/* Only unfinished jobs stand in the way of another; for them the finished ones are forgotten. */
static enum ltd_status add_locked(struct memory_store *store, struct entry *entry, struct ltd_error *err)
{
    struct entry **bucket = bucket_of(store, entry->id);
    const size_t room = store->limits.keep_bytes;

    if (entry->bytes > room)
        return ltd_fail(err, LTD_ETOOBIG,
                        "the request takes %zu bytes in memory, and all jobs together may have %zu; send a "
                        "smaller picture, or let the server have a larger job_keep_bytes",
                        entry->bytes, room);
    if (store->waiting.count >= store->limits.waiting)
        return ltd_fail(err, LTD_EFULL, "%d jobs wait already", store->waiting.count);
    if (store->unfinished_bytes > room - entry->bytes)
        return ltd_fail(err, LTD_EFULL, "waiting jobs take all the memory set aside for jobs");
    store->bytes += entry->bytes;
    store->unfinished_bytes += entry->bytes;
    entry->bucket_next = *bucket;
    *bucket = entry;
    append(&store->waiting, entry);
    expire_locked(store);
    return LTD_OK;
}

static size_t entry_bytes(const struct job_request *request)
{
    return sizeof(struct entry) + sizeof(struct job_record) + job_request_bytes(request);
}

/* An entry with a record and an id of its own. */
static enum ltd_status new_entry(struct job_request *request, struct entry **out, struct ltd_error *err)
{
    struct entry *entry = calloc(1, sizeof *entry);
    struct job_record *record = calloc(1, sizeof *record);
    enum ltd_status st;

    if (entry && record && random_id_make(entry->id)) {
        memcpy(record->id, entry->id, sizeof record->id);
        record->request = job_request_ref(request);
        record->created_ms = clock_unix_ms();
        entry->record = record;
        entry->bytes = entry_bytes(request);
        *out = entry;
        return LTD_OK;
    }
    st = entry && record ? ltd_fail(err, LTD_EIO, "the kernel gives no random numbers")
                         : ltd_fail(err, LTD_ENOMEM, "no memory for another job");
    free(record);
    free(entry);
    return st;
}

static enum ltd_status memory_add(struct job_store *base, struct job_request *request,
                                  char id[RANDOM_ID_SIZE], struct ltd_error *err)
{
    struct memory_store *store = (struct memory_store *)base;
    struct entry *entry = NULL;
    enum ltd_status st = new_entry(request, &entry, err);

    if (st != LTD_OK)
        return st;
    memcpy(id, entry->id, RANDOM_ID_SIZE); /* once it is in, another thread may end and expire it */
    pthread_mutex_lock(&store->lock);
    st = add_locked(store, entry, err);
    pthread_mutex_unlock(&store->lock);
    if (st != LTD_OK) {
        free_record(entry);
        free(entry);
    }
    return st;
}

/* Copies everything but the result. */
static void copy_head(const struct entry *entry, struct job_record *out)
{
    *out = *entry->record;
    out->result = (struct job_result){0};
    job_request_ref(out->request);
}

static bool memory_claim(struct job_store *base, struct job_record *out)
{
    struct memory_store *store = (struct memory_store *)base;
    struct entry *entry;

    pthread_mutex_lock(&store->lock);
    entry = store->waiting.first;
    if (entry) {
        take_out(&store->waiting, entry);
        append(&store->running, entry);
        entry->record->state = JOB_RUNNING;
        entry->record->started_ms = clock_unix_ms();
        copy_head(entry, out);
    }
    pthread_mutex_unlock(&store->lock);
    return entry != NULL;
}

static void end(struct memory_store *store, struct entry *entry, struct job_result *result)
{
    store->bytes -= entry->bytes;
    store->unfinished_bytes -= entry->bytes;
    job_request_drop_pixels(entry->record->request);
    entry->bytes = entry_bytes(entry->record->request);
    for (int i = 0; i < result->image_count; i++)
        entry->bytes += blob_size(result->images[i].png);
    store->bytes += entry->bytes;
    entry->record->state = result->state;
    entry->record->result = *result;
    entry->record->ended_ms = clock_unix_ms();
    entry->ended = clock_monotonic();
    *result = (struct job_result){0};
    append(&store->finished, entry);
}

static void memory_finish(struct job_store *base, const char *id, struct job_result *result)
{
    struct memory_store *store = (struct memory_store *)base;
    struct entry *entry;

    pthread_mutex_lock(&store->lock);
    entry = find(store, id);
    if (entry && entry->record->state == JOB_RUNNING) {
        take_out(&store->running, entry);
        end(store, entry, result);
        expire_locked(store);
    }
    pthread_mutex_unlock(&store->lock);
    job_result_fini(result);
}

static bool memory_cancel_waiting(struct job_store *base, const char *id, const struct ltd_error *reason)
{
    struct memory_store *store = (struct memory_store *)base;
    struct job_result result = {.state = JOB_CANCELED, .error = *reason};
    struct entry *entry;
    bool waits;

    pthread_mutex_lock(&store->lock);
    entry = find(store, id);
    waits = entry && entry->record && entry->record->state == JOB_QUEUED;
    if (waits) {
        take_out(&store->waiting, entry);
        end(store, entry, &result);
    }
    pthread_mutex_unlock(&store->lock);
    return waits;
}

static bool copy_result(const struct job_result *from, struct job_result *out)
{
    struct job_image *images = NULL;

    if (from->image_count > 0) {
        images = calloc((size_t)from->image_count, sizeof *images);
        if (!images)
            return false;
        for (int i = 0; i < from->image_count; i++)
            images[i] = (struct job_image){blob_ref(from->images[i].png), from->images[i].seed};
    }
    *out = *from;
    out->images = images;
    return true;
}

static int position_of(const struct memory_store *store, const struct entry *wanted)
{
    int position = 1;

    for (const struct entry *entry = store->waiting.first; entry != wanted; entry = entry->next)
        position++;
    return position;
}

static enum job_found memory_get(struct job_store *base, const char *id, struct job_record *out)
{
    struct memory_store *store = (struct memory_store *)base;
    enum job_found found = JOB_UNKNOWN;
    struct entry *entry;

    pthread_mutex_lock(&store->lock);
    expire_locked(store);
    entry = find(store, id);
    if (entry && !entry->record) {
        found = JOB_EXPIRED;
    } else if (entry) {
        copy_head(entry, out);
        if (entry->record->state == JOB_QUEUED)
            out->position = position_of(store, entry);
        if (copy_result(&entry->record->result, &out->result))
            found = JOB_FOUND;
        else
            job_record_fini(out);
    }
    pthread_mutex_unlock(&store->lock);
    return found;
}

static struct job_counts memory_count(struct job_store *base)
{
    struct memory_store *store = (struct memory_store *)base;
    struct job_counts counts;

    pthread_mutex_lock(&store->lock);
    counts = (struct job_counts){store->waiting.count, store->running.count};
    pthread_mutex_unlock(&store->lock);
    return counts;
}

static bool memory_is_full(struct job_store *base)
{
    const struct memory_store *store = (const struct memory_store *)base;

    return memory_count(base).waiting >= store->limits.waiting;
}

static bool memory_peek(struct job_store *base, char id[RANDOM_ID_SIZE])
{
    struct memory_store *store = (struct memory_store *)base;
    bool waits;

    pthread_mutex_lock(&store->lock);
    waits = store->waiting.first != NULL;
    if (waits)
        memcpy(id, store->waiting.first->id, RANDOM_ID_SIZE);
    pthread_mutex_unlock(&store->lock);
    return waits;
}

static void memory_expire(struct job_store *base)
{
    struct memory_store *store = (struct memory_store *)base;

    pthread_mutex_lock(&store->lock);
    expire_locked(store);
    pthread_mutex_unlock(&store->lock);
}

static void memory_close(struct job_store *base)
{
    struct memory_store *store = (struct memory_store *)base;

    for (size_t i = 0; i < BUCKETS; i++) {
        struct entry *entry = store->buckets[i];

        while (entry) {
            struct entry *next = entry->bucket_next;

            free_record(entry);
            free(entry);
            entry = next;
        }
    }
    pthread_mutex_destroy(&store->lock);
    free(store);
}

static const struct job_store_ops memory_ops = {
    .add = memory_add,
    .claim = memory_claim,
    .finish = memory_finish,
    .cancel_waiting = memory_cancel_waiting,
    .get = memory_get,
    .count = memory_count,
    .is_full = memory_is_full,
    .peek = memory_peek,
    .expire = memory_expire,
    .close = memory_close,
};

struct job_store *memory_store_open(const struct memory_store_limits *limits)
{
    struct memory_store *store = calloc(1, sizeof *store);

    if (!store)
        return NULL;
    store->base.ops = &memory_ops;
    store->limits = *limits;
    pthread_mutex_init(&store->lock, NULL);
    return &store->base;
}
