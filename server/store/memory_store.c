#include "store/memory_store.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "store/memory_entries.h"

struct memory_store {
    struct job_store base;
    int limit;                 /* of those that wait; constant */
    pthread_mutex_t lock;      /* guards all; no other lock is taken under it */
    struct memory_entries all; /* everything else */
};

static struct memory_store *lock_store(struct job_store *base)
{
    struct memory_store *store = (struct memory_store *)base;

    pthread_mutex_lock(&store->lock);
    return store;
}

static void unlock_store(struct memory_store *store)
{
    pthread_mutex_unlock(&store->lock);
}

/* One that is kept; NULL: there is none. */
static struct entry *find_kept(struct memory_store *store, const char *id)
{
    struct entry *entry = entry_find(&store->all, id);

    return entry && entry->kept ? entry : NULL;
}

static bool same_request(const struct entry *entry, const struct job_entry *asked)
{
    return entry->kept->has_fingerprint && asked->fingerprint &&
           memcmp(entry->kept->fingerprint, asked->fingerprint, SHA256_SIZE) == 0;
}

/* The job that the request joins, or NULL. */
static enum ltd_status find_joined(struct memory_store *store, const struct job_entry *asked,
                                   struct entry **out, struct ltd_error *err)
{
    struct entry *entry = asked->id ? entry_find(&store->all, asked->id) : NULL;

    if (entry && !entry->kept)
        return ltd_fail(err, LTD_ECONFLICT, "there was a job with this id, which is no longer kept");
    if (entry && !same_request(entry, asked))
        return ltd_fail(err, LTD_ECONFLICT, "there is a job with this id, for another request");
    if (!entry && asked->key)
        entry = entry_find_key(&store->all, asked->key);
    if (entry && !same_request(entry, asked))
        return ltd_fail(err, LTD_ECONFLICT, "there is a job with this idempotency key, for another request");
    if (!entry && asked->join)
        entry = entry_find_fingerprint(&store->all, asked->fingerprint);
    *out = entry;
    return LTD_OK;
}

/* Adds one job, *fresh, which is set to NULL when it is in. */
static enum ltd_status add_one(struct memory_store *store, const struct job_entry *asked,
                               struct entry **fresh, struct job_added *out, struct ltd_error *err)
{
    struct entry *joined = NULL;
    enum ltd_status st = find_joined(store, asked, &joined, err);

    if (st == LTD_OK && !joined)
        st = entry_enqueue(&store->all, *fresh, err);
    if (st != LTD_OK)
        return st;
    memcpy(out->id, joined ? joined->id : (*fresh)->id, RANDOM_ID_SIZE);
    out->joined = joined != NULL;
    if (!joined)
        *fresh = NULL;
    return LTD_OK;
}

/* All or none; out says which of them are in, whose places in fresh are NULL. */
static enum ltd_status add_all(struct memory_store *store, const struct job_entry *entries, size_t count,
                               struct entry **fresh, struct job_added *out, struct ltd_error *err)
{
    enum ltd_status st = LTD_OK;
    size_t done = 0;

    for (; done < count; done++) {
        st = add_one(store, &entries[done], &fresh[done], &out[done], err);
        if (st != LTD_OK)
            break;
    }
    while (st != LTD_OK && done-- > 0)
        if (!out[done].joined)
            entry_withdraw(&store->all, entry_find(&store->all, out[done].id));
    if (st == LTD_OK)
        memory_entries_expire(&store->all);
    return st;
}

static enum ltd_status memory_add(struct job_store *base, const struct job_entry *entries, size_t count,
                                  struct job_added *out, struct ltd_error *err)
{
    struct entry *one = NULL;
    struct entry **fresh = count > 1 ? calloc(count, sizeof(struct entry *)) : &one;
    struct memory_store *store;
    enum ltd_status st = fresh ? LTD_OK : ltd_fail(err, LTD_ENOMEM, "no memory for so many jobs");

    for (size_t i = 0; st == LTD_OK && i < count; i++)
        st = entry_new(&entries[i], &fresh[i], err);
    if (st == LTD_OK) {
        store = lock_store(base);
        st = add_all(store, entries, count, fresh, out, err);
        unlock_store(store);
    }
    for (size_t i = 0; fresh && i < count; i++)
        entry_free(fresh[i]);
    if (fresh != &one)
        free(fresh);
    return st;
}

/* Copies everything but the result. */
static void copy_head(const struct memory_store *store, const struct entry *entry, struct job_record *out)
{
    *out = entry->kept->record;
    out->result = (struct job_result){0};
    out->position = entry_position(&store->all, entry);
    job_request_ref(out->request);
}

/* Copies with references; false without memory. */
static bool copy_record(const struct memory_store *store, const struct entry *entry, struct job_record *out)
{
    const struct job_result *from = &entry->kept->record.result;
    struct job_image *images = NULL;

    if (from->image_count > 0) {
        images = calloc((size_t)from->image_count, sizeof *images);
        if (!images)
            return false;
        for (int i = 0; i < from->image_count; i++) {
            images[i] = from->images[i];
            blob_ref(images[i].file);
        }
    }
    copy_head(store, entry, out);
    out->result = *from;
    out->result.images = images;
    return true;
}

static bool memory_claim(struct job_store *base, struct job_record *out)
{
    struct memory_store *store = lock_store(base);
    struct entry *entry = store->all.waiting.first;

    if (entry) {
        entry_start(&store->all, entry);
        copy_head(store, entry, out);
    }
    unlock_store(store);
    return entry != NULL;
}

static void memory_finish(struct job_store *base, const char *id, struct job_result *result)
{
    struct memory_store *store = lock_store(base);
    struct entry *entry = find_kept(store, id);

    if (entry && entry->kept->record.state == JOB_RUNNING) {
        entry_end(&store->all, entry, result);
        memory_entries_expire(&store->all);
    }
    unlock_store(store);
    job_result_fini(result);
}

static bool memory_end_waiting(struct job_store *base, const char *id, enum job_state state,
                               const struct ltd_error *reason)
{
    struct job_result result = {.state = state, .error = *reason};
    struct memory_store *store = lock_store(base);
    struct entry *entry = find_kept(store, id);
    const bool waits = entry && entry->kept->record.state == JOB_QUEUED;

    if (waits)
        entry_end(&store->all, entry, &result);
    unlock_store(store);
    return waits;
}

static void memory_doom(struct job_store *base, const char *id)
{
    struct memory_store *store = lock_store(base);
    struct entry *entry = find_kept(store, id);

    if (entry && entry->kept->record.state == JOB_RUNNING)
        entry_doom(&store->all, entry);
    unlock_store(store);
}

static bool memory_remove(struct job_store *base, const char *id)
{
    struct memory_store *store = lock_store(base);
    struct entry *entry = find_kept(store, id);
    const bool ended = entry && job_state_is_final(entry->kept->record.state);

    if (ended)
        entry_expire(&store->all, entry);
    unlock_store(store);
    return ended;
}

static enum job_found memory_find(struct job_store *base, const char *id)
{
    struct memory_store *store = lock_store(base);
    struct entry *entry;
    enum job_found found;

    memory_entries_expire(&store->all);
    entry = entry_find(&store->all, id);
    found = !entry ? JOB_UNKNOWN : entry->kept ? JOB_FOUND : JOB_EXPIRED;
    unlock_store(store);
    return found;
}

static enum job_found memory_get(struct job_store *base, const char *id, struct job_record *out)
{
    struct memory_store *store = lock_store(base);
    enum job_found found = JOB_UNKNOWN;
    struct entry *entry;

    memory_entries_expire(&store->all);
    entry = entry_find(&store->all, id);
    if (entry && entry->kept)
        found = copy_record(store, entry, out) ? JOB_FOUND : JOB_NO_MEMORY;
    else if (entry)
        found = JOB_EXPIRED;
    unlock_store(store);
    return found;
}

static int memory_position(struct job_store *base, const char *id)
{
    struct memory_store *store = lock_store(base);
    const struct entry *entry = entry_find(&store->all, id);
    const int position = entry ? entry_position(&store->all, entry) : 0;

    unlock_store(store);
    return position;
}

static bool is_listed(const struct job_record *record, const struct job_filter *filter)
{
    return (!filter->states || (filter->states >> record->state & 1)) &&
           (!filter->families || (filter->families >> record->request->family & 1)) &&
           (!filter->tag || job_request_has_tag(record->request, filter->tag)) &&
           (!filter->group || strcmp(record->group, filter->group) == 0);
}

/* The newest kept job that is older than the cursor's. */
static enum ltd_status first_listed(const struct memory_store *store, const char *cursor, struct entry **out,
                                    struct ltd_error *err)
{
    const struct entry *last = cursor ? entry_find(&store->all, cursor) : NULL;
    struct entry *entry = store->all.newest;

    if (cursor && !last)
        return ltd_fail(err, LTD_ENOTFOUND,
                        "the cursor's job is not known any more; start from the first page");
    if (last && last->kept)
        entry = last->kept->older;
    while (last && entry && entry->sequence >= last->sequence)
        entry = entry->kept->older;
    *out = entry;
    return LTD_OK;
}

static enum ltd_status list_locked(const struct memory_store *store, const struct job_filter *filter,
                                   struct job_record *out, size_t room, size_t *count, bool *more,
                                   struct ltd_error *err)
{
    struct entry *entry = NULL;
    enum ltd_status st = first_listed(store, filter->cursor, &entry, err);

    *count = 0;
    *more = false;
    for (; st == LTD_OK && entry && !*more; entry = entry->kept->older) {
        if (!is_listed(&entry->kept->record, filter))
            continue;
        if (*count == room)
            *more = true;
        else if (copy_record(store, entry, &out[*count]))
            ++*count;
        else
            st = ltd_fail(err, LTD_ENOMEM, "no memory for the list of jobs");
    }
    while (st != LTD_OK && *count > 0)
        job_record_fini(&out[--*count]);
    return st;
}

static enum ltd_status memory_list(struct job_store *base, const struct job_filter *filter,
                                   struct job_record *out, size_t room, size_t *count, bool *more,
                                   struct ltd_error *err)
{
    struct memory_store *store = lock_store(base);
    enum ltd_status st;

    memory_entries_expire(&store->all);
    st = list_locked(store, filter, out, room, count, more, err);
    unlock_store(store);
    return st;
}

static struct job_counts memory_count(struct job_store *base)
{
    struct memory_store *store = lock_store(base);
    const struct job_counts counts = {store->all.waiting.count, store->all.running.count};

    unlock_store(store);
    return counts;
}

static int memory_limit(struct job_store *base)
{
    return ((const struct memory_store *)base)->limit;
}

static bool memory_peek(struct job_store *base, char id[RANDOM_ID_SIZE])
{
    struct memory_store *store = lock_store(base);
    const struct entry *first = store->all.waiting.first;

    if (first)
        memcpy(id, first->id, RANDOM_ID_SIZE);
    unlock_store(store);
    return first != NULL;
}

static void memory_expire(struct job_store *base)
{
    struct memory_store *store = lock_store(base);

    memory_entries_expire(&store->all);
    unlock_store(store);
}

static void memory_close(struct job_store *base)
{
    struct memory_store *store = (struct memory_store *)base;

    memory_entries_fini(&store->all);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

static const struct job_store_ops memory_ops = {
    .add = memory_add,
    .claim = memory_claim,
    .finish = memory_finish,
    .end_waiting = memory_end_waiting,
    .doom = memory_doom,
    .remove = memory_remove,
    .find = memory_find,
    .get = memory_get,
    .position = memory_position,
    .list = memory_list,
    .count = memory_count,
    .limit = memory_limit,
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
    store->limit = limits->waiting;
    pthread_mutex_init(&store->lock, NULL);
    if (memory_entries_init(&store->all, limits))
        return &store->base;
    memory_close(&store->base);
    return NULL;
}
