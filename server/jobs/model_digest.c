#include "jobs/model_digest.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "util/model_sha256.h"

/* One tenth of a compute thread's share of a busy processor. */
enum { POLITENESS = 10 };
/* A worker that is canceled while it waits looks up after so long. */
enum { LOOK_UP_NS = 50000000 };

struct digest {
    bool wanted;
    bool tried;     /* that of the stamp is known, or its files cannot be read */
    bool known;     /* text is that of the stamp */
    uint64_t stamp; /* model_stamp */
    char text[SHA256_TEXT_SIZE];
};

struct model_digests {
    const struct model_set *models;
    struct digest *items; /* one for each model; guarded by lock */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t change; /* one more is wanted, was tried, or stop was set; together with lock */
    atomic_bool stop;
};

/* Waits for a model that is wanted, which is not any more then; false when it is time to stop. */
static bool take_wanted(struct model_digests *digests, size_t *index)
{
    const size_t count = digests->models->count;
    size_t i = count;
    bool stop;

    pthread_mutex_lock(&digests->lock);
    while (!(stop = atomic_load(&digests->stop))) {
        for (i = 0; i < count && !digests->items[i].wanted;)
            i++;
        if (i < count)
            break;
        pthread_cond_wait(&digests->change, &digests->lock);
    }
    if (!stop)
        digests->items[i].wanted = false;
    pthread_mutex_unlock(&digests->lock);
    *index = i;
    return !stop;
}

static void *work(void *arg)
{
    struct model_digests *digests = arg;
    size_t i;

    setpriority(PRIO_PROCESS, (id_t)gettid(),
                POLITENESS); /* of this thread; without it, it is only less polite */
    while (take_wanted(digests, &i)) {
        const char *path = digests->models->items[i].path;
        const uint64_t stamp = model_stamp(path);
        struct digest *item = &digests->items[i];
        char text[SHA256_TEXT_SIZE];
        const bool known = model_sha256(path, &digests->stop, text);

        pthread_mutex_lock(&digests->lock);
        item->tried = true;
        item->known = known;
        item->stamp = stamp;
        if (known)
            memcpy(item->text, text, sizeof text);
        pthread_cond_broadcast(&digests->change);
        pthread_mutex_unlock(&digests->lock);
    }
    return NULL;
}

void model_digests_want(struct model_digests *digests, size_t model)
{
    struct digest *item = &digests->items[model];
    const uint64_t stamp = model_stamp(digests->models->items[model].path);

    pthread_mutex_lock(&digests->lock);
    if (!item->tried || item->stamp != stamp) {
        item->wanted = true;
        item->tried = item->known = false;
        pthread_cond_broadcast(&digests->change);
    }
    pthread_mutex_unlock(&digests->lock);
}

enum ltd_status model_digests_start(const struct model_set *models, struct model_digests **out,
                                    struct ltd_error *err)
{
    struct model_digests *digests = calloc(1, sizeof *digests);
    enum ltd_status st = LTD_ENOMEM;

    if (digests)
        digests->items = calloc(models->count, sizeof *digests->items);
    if (!digests || !digests->items) {
        ltd_fail(err, st, "no memory for the digests of models");
        goto fail;
    }
    digests->models = models;
    atomic_init(&digests->stop, false);
    for (size_t i = 0; i < models->count; i++)
        digests->items[i].wanted = model_set_shapes(models, i) != NULL;
    pthread_mutex_init(&digests->lock, NULL);
    pthread_cond_init(&digests->change, NULL);
    if (pthread_create(&digests->thread, NULL, work, digests) == 0) {
        *out = digests;
        return LTD_OK;
    }
    st = ltd_fail(err, LTD_EIO, "a thread for the digests of models does not start");
    pthread_cond_destroy(&digests->change);
    pthread_mutex_destroy(&digests->lock);

fail:
    if (digests)
        free(digests->items);
    free(digests);
    return st;
}

void model_digests_stop(struct model_digests *digests)
{
    if (!digests)
        return;
    pthread_mutex_lock(&digests->lock);
    atomic_store(&digests->stop, true);
    pthread_cond_broadcast(&digests->change);
    pthread_mutex_unlock(&digests->lock);
    pthread_join(digests->thread, NULL);
    pthread_cond_destroy(&digests->change);
    pthread_mutex_destroy(&digests->lock);
    free(digests->items);
    free(digests);
}

/* Under the lock. */
static bool copy_known(const struct digest *item, char out[SHA256_TEXT_SIZE])
{
    if (item->known)
        memcpy(out, item->text, SHA256_TEXT_SIZE);
    return item->known;
}

bool model_digest_get(struct model_digests *digests, size_t model, char out[SHA256_TEXT_SIZE])
{
    bool known;

    if (!digests)
        return false;
    pthread_mutex_lock(&digests->lock);
    known = copy_known(&digests->items[model], out);
    pthread_mutex_unlock(&digests->lock);
    return known;
}

bool model_digest_wait(struct model_digests *digests, size_t model, const atomic_bool *cancel,
                       char out[SHA256_TEXT_SIZE])
{
    const struct digest *item = &digests->items[model];
    bool known;

    pthread_mutex_lock(&digests->lock);
    while ((item->wanted || !item->tried) && !atomic_load(cancel)) {
        struct timespec until;

        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += LOOK_UP_NS;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&digests->change, &digests->lock, &until);
    }
    known = copy_known(item, out);
    pthread_mutex_unlock(&digests->lock);
    return known;
}
