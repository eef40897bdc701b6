#include "store/memory_entries.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "util/clock.h"

bool memory_entries_init(struct memory_entries *all, const struct memory_store_limits *limits)
{
    *all = (struct memory_entries){.limits = *limits};
    /* With twice the slots, the queue is numbered anew after as many jobs as it holds at most. */
    return hash_table_init(&all->by_id) && hash_table_init(&all->by_key) &&
           hash_table_init(&all->by_fingerprint) &&
           queue_order_init(&all->order, 2 * (size_t)limits->waiting + 2);
}

static void free_list(struct entry_list *list)
{
    for (struct entry *entry = list->first, *next; entry; entry = next) {
        next = entry->next;
        entry_free(entry);
    }
}

void memory_entries_fini(struct memory_entries *all)
{
    free_list(&all->waiting);
    free_list(&all->running);
    free_list(&all->finished);
    free_list(&all->expired);
    hash_table_fini(&all->by_id);
    hash_table_fini(&all->by_key);
    hash_table_fini(&all->by_fingerprint);
    queue_order_fini(&all->order);
}

static void append(struct entry_list *list, struct entry *entry)
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

static void take_out(struct entry_list *list, struct entry *entry)
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

static void free_kept(struct entry *entry)
{
    if (!entry->kept)
        return;
    job_record_fini(&entry->kept->record);
    free(entry->kept->key);
    free(entry->kept);
    entry->kept = NULL;
}

void entry_free(struct entry *entry)
{
    if (!entry)
        return;
    free_kept(entry);
    free(entry);
}

static size_t count_bytes(const struct kept *kept)
{
    size_t bytes = sizeof(struct entry) + sizeof *kept + job_request_bytes(kept->record.request);

    bytes += kept->key ? strlen(kept->key) : 0;
    for (int i = 0; i < kept->record.result.image_count; i++)
        bytes += sizeof(struct job_image) + blob_size(kept->record.result.images[i].file);
    return bytes;
}

/* False without memory. */
static bool fill(struct entry *entry, const struct job_entry *from)
{
    struct kept *kept = entry->kept;

    if (from->key && !(kept->key = strdup(from->key)))
        return false;
    if (from->fingerprint)
        memcpy(kept->fingerprint, from->fingerprint, SHA256_SIZE);
    kept->has_fingerprint = from->fingerprint != NULL;
    if (from->group)
        memcpy(kept->record.group, from->group, RANDOM_ID_SIZE);
    memcpy(kept->record.id, entry->id, RANDOM_ID_SIZE);
    kept->record.request = job_request_ref(from->request);
    kept->record.created_ms = clock_unix_ms();
    entry->bytes = count_bytes(kept);
    return true;
}

enum ltd_status entry_new(const struct job_entry *from, struct entry **out, struct ltd_error *err)
{
    struct entry *entry = calloc(1, sizeof *entry);

    if (!entry || !(entry->kept = calloc(1, sizeof *entry->kept)))
        goto no_memory;
    if (from->id) {
        memcpy(entry->id, from->id, RANDOM_ID_SIZE);
    } else if (!random_id_make(entry->id)) {
        entry_free(entry);
        return ltd_fail(err, LTD_EIO, "the kernel gives no random numbers");
    }
    if (!fill(entry, from))
        goto no_memory;
    *out = entry;
    return LTD_OK;
no_memory:
    entry_free(entry);
    return ltd_fail(err, LTD_ENOMEM, "no memory for another job");
}

static uint64_t id_hash(const struct memory_entries *all, const char *id)
{
    return hash_table_hash(&all->by_id, id, strlen(id));
}

static uint64_t key_hash(const struct memory_entries *all, const char *key)
{
    return hash_table_hash(&all->by_key, key, strlen(key));
}

static uint64_t fingerprint_hash(const struct memory_entries *all, const uint8_t *fingerprint)
{
    return hash_table_hash(&all->by_fingerprint, fingerprint, SHA256_SIZE);
}

struct entry *entry_find(const struct memory_entries *all, const char *id)
{
    struct hash_node *node = hash_table_first(&all->by_id, id_hash(all, id));

    while (node && strcmp(HASH_OWNER(node, struct entry, by_id)->id, id) != 0)
        node = hash_table_next(node);
    return HASH_OWNER(node, struct entry, by_id);
}

struct entry *entry_find_key(const struct memory_entries *all, const char *key)
{
    struct hash_node *node = hash_table_first(&all->by_key, key_hash(all, key));

    while (node && strcmp(HASH_OWNER(node, struct kept, by_key)->key, key) != 0)
        node = hash_table_next(node);
    return node ? entry_find(all, HASH_OWNER(node, struct kept, by_key)->record.id) : NULL;
}

struct entry *entry_find_fingerprint(const struct memory_entries *all, const uint8_t *fingerprint)
{
    struct hash_node *node = hash_table_first(&all->by_fingerprint, fingerprint_hash(all, fingerprint));

    while (node &&
           memcmp(HASH_OWNER(node, struct kept, by_fingerprint)->fingerprint, fingerprint, SHA256_SIZE) != 0)
        node = hash_table_next(node);
    return node ? entry_find(all, HASH_OWNER(node, struct kept, by_fingerprint)->record.id) : NULL;
}

static void number_anew(struct memory_entries *all)
{
    queue_order_clear(&all->order);
    for (struct entry *entry = all->waiting.first; entry; entry = entry->next)
        entry->slot = queue_order_append(&all->order);
}

static void put_in(struct memory_entries *all, struct entry *entry)
{
    struct kept *kept = entry->kept;

    hash_table_add(&all->by_id, &entry->by_id, id_hash(all, entry->id));
    if (kept->key)
        hash_table_add(&all->by_key, &kept->by_key, key_hash(all, kept->key));
    if (kept->has_fingerprint)
        hash_table_add(&all->by_fingerprint, &kept->by_fingerprint, fingerprint_hash(all, kept->fingerprint));
    kept->joinable = kept->has_fingerprint;
    entry->sequence = ++all->sequence;
    kept->older = all->newest;
    if (all->newest)
        all->newest->kept->newer = entry;
    all->newest = entry;
    if (queue_order_is_spent(&all->order))
        number_anew(all);
    entry->slot = queue_order_append(&all->order);
    append(&all->waiting, entry);
}

/* Only unfinished jobs stand in the way of another; for them the finished ones are forgotten. */
enum ltd_status entry_enqueue(struct memory_entries *all, struct entry *entry, struct ltd_error *err)
{
    const size_t room = all->limits.keep_bytes;

    if (entry->bytes > room)
        return ltd_fail(err, LTD_ETOOBIG,
                        "the request takes %zu bytes in memory, and all jobs together may have %zu; send a "
                        "smaller picture, or let the server have a larger job_keep_bytes",
                        entry->bytes, room);
    if (all->waiting.count >= all->limits.waiting)
        return ltd_fail(err, LTD_EFULL, "%d jobs wait already", all->waiting.count);
    if (all->unfinished_bytes > room - entry->bytes)
        return ltd_fail(err, LTD_EFULL, "waiting jobs take all the memory set aside for jobs");
    all->bytes += entry->bytes;
    all->unfinished_bytes += entry->bytes;
    put_in(all, entry);
    return LTD_OK;
}

void entry_doom(struct memory_entries *all, struct entry *entry)
{
    if (entry->kept->joinable)
        hash_table_take(&all->by_fingerprint, &entry->kept->by_fingerprint);
    entry->kept->joinable = false;
}

/* Frees what is kept, of an entry that stands in no list. */
static void release(struct memory_entries *all, struct entry *entry)
{
    struct kept *kept = entry->kept;

    entry_doom(all, entry);
    if (kept->key)
        hash_table_take(&all->by_key, &kept->by_key);
    if (kept->newer)
        kept->newer->kept->older = kept->older;
    else
        all->newest = kept->older;
    if (kept->older)
        kept->older->kept->newer = kept->newer;
    all->bytes -= entry->bytes;
    entry->bytes = 0;
    free_kept(entry);
}

void entry_withdraw(struct memory_entries *all, struct entry *entry)
{
    take_out(&all->waiting, entry);
    queue_order_leave(&all->order, entry->slot);
    all->unfinished_bytes -= entry->bytes;
    release(all, entry);
    hash_table_take(&all->by_id, &entry->by_id);
    entry_free(entry);
}

void entry_start(struct memory_entries *all, struct entry *entry)
{
    take_out(&all->waiting, entry);
    queue_order_leave(&all->order, entry->slot);
    append(&all->running, entry);
    entry->kept->record.state = JOB_RUNNING;
    entry->kept->record.started_ms = clock_unix_ms();
}

void entry_end(struct memory_entries *all, struct entry *entry, struct job_result *result)
{
    struct job_record *record = &entry->kept->record;

    if (record->state == JOB_QUEUED) {
        take_out(&all->waiting, entry);
        queue_order_leave(&all->order, entry->slot);
    } else {
        take_out(&all->running, entry);
    }
    if (result->state != JOB_SUCCEEDED)
        entry_doom(all, entry);
    all->bytes -= entry->bytes;
    all->unfinished_bytes -= entry->bytes;
    record->state = result->state;
    record->result = *result;
    record->ended_ms = clock_unix_ms();
    entry->bytes = count_bytes(entry->kept);
    entry->ended = clock_monotonic();
    all->bytes += entry->bytes;
    *result = (struct job_result){0};
    append(&all->finished, entry);
}

void entry_expire(struct memory_entries *all, struct entry *entry)
{
    take_out(&all->finished, entry);
    release(all, entry);
    entry->ended = clock_monotonic();
    append(&all->expired, entry);
}

/* Whether the oldest finished job is to go.  What has just ended stays, so that its client sees it; but even
 * of that no more than the set memory once again, or one job. */
static bool is_due(const struct memory_entries *all, const struct entry *finished, double now)
{
    const struct memory_store_limits *limits = &all->limits;
    const double age = now - finished->ended;

    if (age >= limits->keep_s)
        return true;
    if (all->bytes <= limits->keep_bytes)
        return false;
    return age >= limits->fresh_s ||
           (all->bytes - limits->keep_bytes > limits->keep_bytes && all->finished.count > 1);
}

void memory_entries_expire(struct memory_entries *all)
{
    const struct memory_store_limits *limits = &all->limits;
    const double now = clock_monotonic();

    while (all->finished.first && is_due(all, all->finished.first, now))
        entry_expire(all, all->finished.first);
    while (all->expired.first && (all->expired.count > limits->remembered ||
                                  now - all->expired.first->ended >= limits->remember_s)) {
        struct entry *entry = all->expired.first;

        take_out(&all->expired, entry);
        hash_table_take(&all->by_id, &entry->by_id);
        entry_free(entry);
    }
}

int entry_position(const struct memory_entries *all, const struct entry *entry)
{
    if (!entry->kept || entry->kept->record.state != JOB_QUEUED)
        return 0;
    return queue_order_place(&all->order, entry->slot);
}
