#include "webhook/webhooks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/clock.h"
#include "webhook/webhooks_private.h"

enum { MOST_PENDING = 4096, MOST_REMEMBERED = 4096 };

static const size_t most_pending_bytes = (size_t)64 << 20;
static const double pause_growth = 2.5, pause_jitter = 0.2;

const char *delivery_state_name(enum delivery_state state)
{
    static const char *const names[] = {"pending", "delivered", "failed"};

    return names[state];
}

static void append(struct message_list *list, struct message *message)
{
    message->next = NULL;
    message->previous = list->last;
    if (list->last)
        list->last->next = message;
    else
        list->first = message;
    list->last = message;
    list->count++;
}

static void take_out(struct message_list *list, struct message *message)
{
    if (message->previous)
        message->previous->next = message->next;
    else
        list->first = message->next;
    if (message->next)
        message->next->previous = message->previous;
    else
        list->last = message->previous;
    list->count--;
}

/* What only the sender needs. */
static void free_contents(struct message *message)
{
    free(message->url);
    blob_unref(message->body);
    message->url = NULL;
    message->body = NULL;
}

static void free_message(struct message *message)
{
    free_contents(message);
    free(message);
}

/* Takes a reference to body. */
static enum ltd_status new_message(const char *url, bool named, struct blob *body, int most_tries,
                                   struct message **out, struct ltd_error *err)
{
    struct message *message = calloc(1, sizeof *message);

    if (!message || !(message->url = strdup(url))) {
        free(message);
        return ltd_fail(err, LTD_ENOMEM, "no memory for another webhook");
    }
    if (!random_id_make(message->told.id)) {
        free_message(message);
        return ltd_fail(err, LTD_EIO, "the kernel gives no random numbers");
    }
    message->named = named;
    message->body = blob_ref(body);
    message->most_tries = most_tries;
    message->told.created_ms = message->told.next_ms = clock_unix_ms();
    message->due = clock_monotonic();
    *out = message;
    return LTD_OK;
}

/* Takes the message, whatever comes of it. */
static enum ltd_status enqueue(struct webhooks *webhooks, struct message *message, struct ltd_error *err)
{
    const size_t bytes = blob_size(message->body);
    enum ltd_status st = LTD_OK;

    pthread_mutex_lock(&webhooks->lock);
    if (webhooks->stop) {
        st = ltd_fail(err, LTD_ECLOSED, "the server is shutting down");
    } else if (webhooks->pending.count >= MOST_PENDING ||
               webhooks->pending_bytes + bytes > most_pending_bytes) {
        st = ltd_fail(err, LTD_EFULL, "%zu webhooks wait already", webhooks->pending.count);
        webhooks->counts.failed++;
    } else {
        webhooks->pending_bytes += bytes;
        append(&webhooks->pending, message);
    }
    pthread_mutex_unlock(&webhooks->lock);
    if (st == LTD_OK)
        webhook_sender_wake(webhooks);
    else
        free_message(message);
    return st;
}

/* Delivers an event of a job, if its webhook is to be told. */
static void tell(struct webhooks *webhooks, enum webhook_event event, const struct job_record *job)
{
    const struct job_request *request = job->request;
    char why[WEBHOOK_WHY_SIZE];
    struct message *message = NULL;
    struct blob *body;
    struct ltd_error error = {0};
    bool named;
    enum ltd_status st;

    if (!request->webhook_url || !(request->webhook_events >> event & 1))
        return;
    if (!webhook_policy_takes(&webhooks->policy, request->webhook_url, &named, why)) {
        log_note(webhooks->log, LOG_WARN, "job %s: its webhook is not called: %s", job->id, why);
        return;
    }
    body = webhooks->encode(webhooks->arg, event, job);
    st = body ? new_message(request->webhook_url, named, body, WEBHOOK_MAX_TRIES, &message, &error)
              : ltd_fail(&error, LTD_ENOMEM, "no memory for it");
    blob_unref(body);
    if (st == LTD_OK) {
        memcpy(message->told.job, job->id, sizeof message->told.job);
        message->told.event = webhook_event_name(event);
        st = enqueue(webhooks, message, &error);
    }
    if (st != LTD_OK)
        log_note(webhooks->log, LOG_WARN, "job %s: its webhook is lost: %s", job->id, error.message);
}

static void on_started(void *self, const struct job_record *job)
{
    tell(self, WEBHOOK_STARTED, job);
}

static void on_ended(void *self, const struct job_record *job, double run_s)
{
    (void)run_s;
    tell(self,
         job->state == JOB_SUCCEEDED ? WEBHOOK_SUCCEEDED
         : job->state == JOB_FAILED  ? WEBHOOK_FAILED
                                     : WEBHOOK_CANCELED,
         job);
}

void webhooks_observe(struct webhooks *webhooks, struct jobs *jobs)
{
    if (webhooks)
        jobs_observe(jobs,
                     &(struct job_observer){.self = webhooks, .started = on_started, .ended = on_ended});
}

/* Off is no address either. */
static bool take(const struct webhooks *webhooks, const char *url, bool *named, char why[WEBHOOK_WHY_SIZE])
{
    if (webhooks && strlen(url) <= JOB_MAX_URL_BYTES)
        return webhook_policy_takes(&webhooks->policy, url, named, why);
    if (webhooks)
        snprintf(why, WEBHOOK_WHY_SIZE, "send a URL of at most %d bytes", JOB_MAX_URL_BYTES);
    else
        snprintf(why, WEBHOOK_WHY_SIZE, "webhooks are off: the server was started without a webhook_secret");
    return false;
}

bool webhooks_take(const struct webhooks *webhooks, const char *url, char *why, size_t size)
{
    char reason[WEBHOOK_WHY_SIZE];
    bool named;

    if (take(webhooks, url, &named, reason))
        return true;
    snprintf(why, size, "%s", reason);
    return false;
}

enum ltd_status webhooks_test(struct webhooks *webhooks, const char *url, struct blob *body,
                              const struct job_notify *notify, char id[RANDOM_ID_SIZE], struct ltd_error *err)
{
    char why[WEBHOOK_WHY_SIZE];
    struct message *message = NULL;
    bool named = false;
    enum ltd_status st;

    if (!take(webhooks, url, &named, why))
        return ltd_fail(err, LTD_EINVAL, "%s", why);
    st = new_message(url, named, body, 1, &message, err);
    if (st != LTD_OK)
        return st;
    message->told.event = "webhook.test";
    message->notify = *notify;
    memcpy(id, message->told.id, RANDOM_ID_SIZE);
    return enqueue(webhooks, message, err);
}

/* The newest message of the list with that id; NULL: there is none. */
static const struct message *find(const struct message_list *list, const char *id)
{
    const struct message *message = list->last;

    while (message && strcmp(message->told.id, id) != 0)
        message = message->previous;
    return message;
}

bool webhooks_get(struct webhooks *webhooks, const char *id, struct delivery *out)
{
    const struct message *message;

    if (!webhooks)
        return false;
    pthread_mutex_lock(&webhooks->lock);
    message = find(&webhooks->pending, id);
    if (!message)
        message = find(&webhooks->over, id);
    if (message)
        *out = message->told;
    pthread_mutex_unlock(&webhooks->lock);
    return message != NULL;
}

/* Copies those of a job, newest first; how many. */
static size_t copy_of_job(const struct message_list *list, const char *job, struct delivery *out, size_t room)
{
    size_t count = 0;

    for (const struct message *message = list->last; message && count < room; message = message->previous)
        if (strcmp(message->told.job, job) == 0)
            out[count++] = message->told;
    return count;
}

static int newest_first(const void *a, const void *b)
{
    const struct delivery *one = a, *other = b;

    return (one->created_ms < other->created_ms) - (one->created_ms > other->created_ms);
}

size_t webhooks_of_job(struct webhooks *webhooks, const char *job, struct delivery *out, size_t room)
{
    size_t count;

    if (!webhooks)
        return 0;
    pthread_mutex_lock(&webhooks->lock);
    count = copy_of_job(&webhooks->pending, job, out, room);
    count += copy_of_job(&webhooks->over, job, out + count, room - count);
    pthread_mutex_unlock(&webhooks->lock);
    qsort(out, count, sizeof *out, newest_first);
    return count;
}

struct webhook_counts webhooks_count(struct webhooks *webhooks)
{
    struct webhook_counts counts = {0};

    if (!webhooks)
        return counts;
    pthread_mutex_lock(&webhooks->lock);
    counts = webhooks->counts;
    pthread_mutex_unlock(&webhooks->lock);
    return counts;
}

struct message *webhooks_take_due(struct webhooks *webhooks, double now)
{
    struct message *message;

    pthread_mutex_lock(&webhooks->lock);
    message = webhooks->pending.first;
    while (message && (message->in_flight || message->due > now))
        message = message->next;
    if (message)
        message->in_flight = true;
    pthread_mutex_unlock(&webhooks->lock);
    return message;
}

double webhooks_next_due(struct webhooks *webhooks, double latest)
{
    pthread_mutex_lock(&webhooks->lock);
    for (const struct message *message = webhooks->pending.first; message; message = message->next)
        if (!message->in_flight && message->due < latest)
            latest = message->due;
    pthread_mutex_unlock(&webhooks->lock);
    return latest;
}

/* Seconds until the try after `tries`. */
static double pause_after(const struct webhooks *webhooks, int tries)
{
    double seconds = webhooks->retry_s;
    uint32_t number;

    for (int i = 1; i < tries; i++)
        seconds *= pause_growth;
    if (random_u32(&number))
        seconds *= 1 - pause_jitter + 2 * pause_jitter * number / UINT32_MAX;
    return seconds;
}

static void log_try(struct webhooks *webhooks, const struct delivery *told)
{
    const struct delivery_try *last = &told->tries[told->try_count - 1];
    char status[16], number[16];

    snprintf(status, sizeof status, "%d", last->status);
    snprintf(number, sizeof number, "%d", told->try_count);
    log_event(webhooks->log, told->state == DELIVERY_FAILED ? LOG_WARN : LOG_INFO, "webhook",
              (struct log_field[]){{"job", told->job[0] ? told->job : NULL, true},
                                   {"delivery", told->id, true},
                                   {"type", told->event, true},
                                   {"status", delivery_state_name(told->state), true},
                                   {"try", number, false},
                                   {"answer", status, false},
                                   {"error", last->error[0] ? last->error : NULL, true}},
              7);
}

/* Under the lock: the message has come to its end. */
static void conclude(struct webhooks *webhooks, struct message *message, enum delivery_state state)
{
    message->told.state = state;
    message->told.next_ms = 0;
    webhooks->pending_bytes -= blob_size(message->body);
    if (state == DELIVERY_DONE)
        webhooks->counts.delivered++;
    else
        webhooks->counts.failed++;
    free_contents(message);
    take_out(&webhooks->pending, message);
    append(&webhooks->over, message);
    if (webhooks->over.count > MOST_REMEMBERED) {
        struct message *oldest = webhooks->over.first;

        take_out(&webhooks->over, oldest);
        free_message(oldest);
    }
}

void webhooks_give_back(struct webhooks *webhooks, struct message *message, const struct outcome *outcome)
{
    struct job_notify notify = {0};
    struct delivery told;
    struct delivery_try *last;
    double pause;

    pthread_mutex_lock(&webhooks->lock);
    last = &message->told.tries[message->told.try_count++];
    last->at_ms = clock_unix_ms() - (int64_t)(outcome->seconds * 1e3);
    last->status = outcome->status;
    last->seconds = outcome->seconds;
    snprintf(last->error, sizeof last->error, "%s", outcome->error ? outcome->error : "");
    pause = pause_after(webhooks, message->told.try_count);
    message->in_flight = false;
    message->due = clock_monotonic() + pause;
    message->told.next_ms = clock_unix_ms() + (int64_t)(pause * 1e3);
    if (!outcome->error || outcome->final || message->told.try_count == message->most_tries) {
        notify = message->notify;
        conclude(webhooks, message, outcome->error ? DELIVERY_FAILED : DELIVERY_DONE);
    } else {
        webhooks->counts.retried++;
    }
    told = message->told;
    pthread_mutex_unlock(&webhooks->lock);
    log_try(webhooks, &told);
    if (notify.call)
        notify.call(notify.arg, notify.number);
}

bool webhooks_are_over(struct webhooks *webhooks, double now)
{
    bool over;

    pthread_mutex_lock(&webhooks->lock);
    over = webhooks->stop;
    for (const struct message *message = webhooks->pending.first; over && message; message = message->next)
        over = !message->in_flight && message->told.try_count > 0;
    over |= webhooks->stop && now >= webhooks->stop_at;
    pthread_mutex_unlock(&webhooks->lock);
    return over;
}

enum ltd_status webhooks_open(const struct webhooks_config *config, struct log *log, struct webhooks **out,
                              struct ltd_error *err)
{
    struct webhooks *webhooks = calloc(1, sizeof *webhooks);
    enum ltd_status st;

    if (!webhooks)
        return ltd_fail(err, LTD_ENOMEM, "no memory for the webhooks");
    *webhooks = (struct webhooks){.secrets = config->secrets,
                                  .retry_s = config->retry_s,
                                  .encode = config->encode,
                                  .arg = config->arg,
                                  .log = log};
    pthread_mutex_init(&webhooks->lock, NULL);
    st = webhook_policy_init(&webhooks->policy, config->allow, config->allow_count, config->ports,
                             config->port_count, err);
    if (st == LTD_OK)
        st = webhook_sender_start(webhooks, err);
    if (st == LTD_OK)
        *out = webhooks;
    else
        webhooks_close(webhooks);
    return st;
}

/* Once the sender has ended: what is left has failed.  Whether there was something. */
static bool fail_one(struct webhooks *webhooks)
{
    struct job_notify notify = {0};
    struct message *left;

    pthread_mutex_lock(&webhooks->lock);
    left = webhooks->pending.first;
    if (left) {
        notify = left->notify;
        conclude(webhooks, left, DELIVERY_FAILED);
    }
    pthread_mutex_unlock(&webhooks->lock);
    if (notify.call)
        notify.call(notify.arg, notify.number);
    return left != NULL;
}

void webhooks_stop(struct webhooks *webhooks, double seconds)
{
    size_t lost = 0;

    if (!webhooks)
        return;
    pthread_mutex_lock(&webhooks->lock);
    webhooks->stop = true;
    webhooks->stop_at = clock_monotonic() + seconds;
    pthread_mutex_unlock(&webhooks->lock);
    webhook_sender_join(webhooks);
    while (fail_one(webhooks))
        lost++;
    if (lost > 0)
        log_note(webhooks->log, LOG_WARN, "webhooks that were not delivered: %zu", lost);
}

void webhooks_close(struct webhooks *webhooks)
{
    if (!webhooks)
        return;
    webhooks_stop(webhooks, 0);
    for (struct message *message = webhooks->over.first, *next; message; message = next) {
        next = message->next;
        free_message(message);
    }
    webhook_sender_free(webhooks);
    webhook_policy_fini(&webhooks->policy);
    pthread_mutex_destroy(&webhooks->lock);
    free(webhooks);
}
