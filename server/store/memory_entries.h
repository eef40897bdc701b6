/*
 * memory_entries.h - what the memory store holds: jobs in lists and tables.  Not locked.
 */
#ifndef MEMORY_ENTRIES_H
#define MEMORY_ENTRIES_H

#include "store/job_store.h"
#include "store/memory_store.h"
#include "store/queue_order.h"
#include "util/hash_table.h"

/* What is kept of a job until it expires. */
struct kept {
    struct job_record record;
    char *key; /* NULL: none */
    bool has_fingerprint, joinable;
    uint8_t fingerprint[SHA256_SIZE];
    struct hash_node by_key;         /* when there is a key */
    struct hash_node by_fingerprint; /* while joinable */
    struct entry *newer, *older;     /* in order of creation; guarded like everything by the store's lock */
};

struct entry {
    char id[RANDOM_ID_SIZE];
    struct hash_node by_id;
    uint64_t sequence; /* rises with creation */
    struct kept *kept; /* NULL once the job is expired: thousands of ids are remembered, and must be small */
    double ended;      /* clock_monotonic, of the job or of its being kept */
    size_t bytes;      /* that count against keep_bytes */
    size_t slot;       /* in the order of those that wait */
    struct entry *next, *previous; /* in one of the lists */
};

struct entry_list {
    struct entry *first, *last;
    int count;
};

struct memory_entries {
    struct memory_store_limits limits;
    struct hash_table by_id, by_key, by_fingerprint;
    struct entry_list waiting, running, finished, expired; /* oldest first */
    struct queue_order order;                              /* of waiting */
    struct entry *newest;                                  /* of those that are kept */
    uint64_t sequence;                                     /* given last */
    size_t bytes, unfinished_bytes;                        /* of all jobs; of those that wait or run */
};

/* False without memory, or random numbers. */
bool memory_entries_init(struct memory_entries *all, const struct memory_store_limits *limits);
void memory_entries_fini(struct memory_entries *all);

/* An entry that is in no list or table yet, with an id. */
enum ltd_status entry_new(const struct job_entry *from, struct entry **out, struct ltd_error *err);
void entry_free(struct entry *entry); /* NULL is fine */

/* NULL: there is none. */
struct entry *entry_find(const struct memory_entries *all, const char *id);
struct entry *entry_find_key(const struct memory_entries *all, const char *key);
/* The newest one that may be joined. */
struct entry *entry_find_fingerprint(const struct memory_entries *all, const uint8_t *fingerprint);

/* Puts a new entry behind those that wait, when there is room.  Errors: LTD_ETOOBIG, LTD_EFULL. */
enum ltd_status entry_enqueue(struct memory_entries *all, struct entry *entry, struct ltd_error *err);
/* Undoes the enqueuing that was last, and frees. */
void entry_withdraw(struct memory_entries *all, struct entry *entry);
/* Makes a waiting one a running one. */
void entry_start(struct memory_entries *all, struct entry *entry);
/* Ends one that waits or runs; takes what result owns and leaves it zeroed. */
void entry_end(struct memory_entries *all, struct entry *entry, struct job_result *result);
/* Nobody finds it by its fingerprint any more. */
void entry_doom(struct memory_entries *all, struct entry *entry);
/* Expires one that has ended. */
void entry_expire(struct memory_entries *all, struct entry *entry);
/* Expires and forgets what is old enough. */
void memory_entries_expire(struct memory_entries *all);

/* Its place among those that wait, from 1; 0: it does not wait. */
int entry_position(const struct memory_entries *all, const struct entry *entry);

#endif
