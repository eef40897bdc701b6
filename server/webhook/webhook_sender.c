#include <curl/curl.h>

#include "util/clock.h"
#include "webhook/webhooks_private.h"

enum { MOST_IN_FLIGHT = 32 };

/* The end is looked for at least as often. */
static const double longest_wait_s = 0.5;

static const struct outcome no_memory = {.error = "no memory for the request"},
                            cut_off = {.error = "the server ended before the answer came", .final = true};

/* The transfers under way; the thread's alone. */
struct flights {
    struct transfer *first;
    int count;
};

static void land(struct webhooks *webhooks, struct flights *flights, struct transfer *transfer,
                 const struct outcome *outcome)
{
    struct transfer **link = &flights->first;

    while (*link != transfer)
        link = &(*link)->next;
    *link = transfer->next;
    flights->count--;
    curl_multi_remove_handle(webhooks->multi, transfer->easy);
    webhooks_give_back(webhooks, transfer->message, outcome);
    transfer_free(transfer);
}

/* Starts what is due, as far as there is room. */
static void start_due(struct webhooks *webhooks, struct flights *flights)
{
    const double now = clock_monotonic();
    struct message *message;

    while (flights->count < MOST_IN_FLIGHT && (message = webhooks_take_due(webhooks, now))) {
        struct transfer *transfer = transfer_new(webhooks, message);

        if (!transfer || curl_multi_add_handle(webhooks->multi, transfer->easy) != CURLM_OK) {
            webhooks_give_back(webhooks, message, &no_memory);
            if (transfer)
                transfer_free(transfer);
            continue;
        }
        transfer->next = flights->first;
        flights->first = transfer;
        flights->count++;
    }
}

/* Waits for the network, for what is due next, or to be woken. */
static void wait_for_more(struct webhooks *webhooks, const struct flights *flights)
{
    const double now = clock_monotonic();
    const double latest = now + longest_wait_s;
    const double next = flights->count < MOST_IN_FLIGHT ? webhooks_next_due(webhooks, latest) : latest;

    curl_multi_poll(webhooks->multi, NULL, 0, next > now ? (int)((next - now) * 1e3) + 1 : 0, NULL);
}

static void land_ended(struct webhooks *webhooks, struct flights *flights)
{
    const CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(webhooks->multi, &left))) {
        char *pointer = NULL;
        struct transfer *transfer;
        struct outcome outcome;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &pointer);
        transfer = (struct transfer *)(void *)pointer;
        outcome = transfer_outcome(transfer, (int)message->data.result);
        land(webhooks, flights, transfer, &outcome);
    }
}

static void *send_all(void *arg)
{
    struct webhooks *webhooks = arg;
    struct flights flights = {0};

    while (!webhooks_are_over(webhooks, clock_monotonic())) {
        int running;

        start_due(webhooks, &flights);
        curl_multi_perform(webhooks->multi, &running);
        land_ended(webhooks, &flights);
        wait_for_more(webhooks, &flights);
    }
    while (flights.first)
        land(webhooks, &flights, flights.first, &cut_off);
    return NULL;
}

enum ltd_status webhook_sender_start(struct webhooks *webhooks, struct ltd_error *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(webhooks->multi = curl_multi_init()))
        return ltd_fail(err, LTD_ENOMEM, "no memory for the webhooks");
    if (pthread_create(&webhooks->thread, NULL, send_all, webhooks) != 0)
        return ltd_fail(err, LTD_EIO, "the thread of the webhooks does not start");
    webhooks->started = true;
    return LTD_OK;
}

void webhook_sender_wake(struct webhooks *webhooks)
{
    curl_multi_wakeup(webhooks->multi);
}

void webhook_sender_join(struct webhooks *webhooks)
{
    if (!webhooks->started)
        return;
    webhook_sender_wake(webhooks);
    pthread_join(webhooks->thread, NULL);
    webhooks->started = false;
}

void webhook_sender_free(struct webhooks *webhooks)
{
    curl_multi_cleanup(webhooks->multi);
    curl_global_cleanup();
}
