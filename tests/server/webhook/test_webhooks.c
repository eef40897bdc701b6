#include "webhook/webhooks.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/picture_texts.h"
#include "check.h"
#include "fake_engine.h"
#include "store/memory_store.h"
#include "util/clock.h"
#include "webhook_receiver.h"

static const char ok[] = "HTTP/1.1 204 No Content\r\n\r\n",
                  wrong[] = "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n";

static struct log quiet;
static struct model_set models;
static struct job_store *store;
static struct jobs *jobs;
static struct webhooks *webhooks;
static struct webhook_receiver receiver;
static atomic_int notified;

static struct blob *encode(const void *arg, enum webhook_event event, const struct job_record *job)
{
    char text[128];

    CHECK(arg == &models);
    snprintf(text, sizeof text, "%s of %s", webhook_event_name(event), job->id);
    return blob_from_text(text);
}

static void on_end(void *arg, uint64_t number)
{
    (void)arg, (void)number;
    atomic_fetch_add(&notified, 1);
}

/* With webhooks to the receiver, or to `allow`; tried again after retry_s. */
static bool start(const char *answer, const char *allow, double retry_s)
{
    static const char *list[1], *ports[1];
    static char port[8];
    const struct memory_store_limits limits = {16, 1000, 1 << 24, 100, 100, 1000};
    struct webhooks_config config = {.allow = list,
                                     .allow_count = allow ? 1 : 0,
                                     .ports = ports,
                                     .port_count = 1,
                                     .retry_s = retry_s,
                                     .encode = encode,
                                     .arg = &models};
    struct ltd_error error;

    log_init(&quiet, open("/dev/null", O_WRONLY | O_CLOEXEC), false);
    atomic_store(&fake_engine_step_ms, 0);
    atomic_store(&notified, 0);
    if (!receiver_open(&receiver, answer) ||
        webhook_secrets_add(&config.secrets, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
        return false;
    snprintf(port, sizeof port, "%d", receiver.port);
    list[0] = allow;
    ports[0] = port;
    store = memory_store_open(&limits);
    if (!store || model_set_open(&models, "fake", "anywhere", &error) != LTD_OK ||
        jobs_open(&(struct jobs_config){1, 1, 1, picture_texts_make, NULL}, store, &models, &quiet, &jobs,
                  &error) != LTD_OK ||
        webhooks_open(&config, &quiet, &webhooks, &error) != LTD_OK)
        return false;
    webhooks_observe(webhooks, jobs);
    return true;
}

static void stop(void)
{
    webhooks_close(webhooks);
    receiver_close(&receiver);
    jobs_close(jobs);
    store->ops->close(store);
    model_set_fini(&models);
    close(quiet.fd);
}

/* Submits a job whose webhook is at the host, on the receiver's port. */
static void submit(const char *host, unsigned events, char id[RANDOM_ID_SIZE])
{
    struct job_request *request = job_request_new();
    struct job_submitted out = {0};
    char url[128];

    snprintf(url, sizeof url, "http://%s:%d/hook?x=1", host, receiver.port);
    request->params = ltd_params_default(model_set_shapes(&models, 0));
    request->prompt = strdup("x");
    request->params.prompt = request->prompt;
    request->params.width = request->params.height = 16;
    CHECK(job_request_set_webhook(request, url, events));
    CHECK_INT(jobs_submit(jobs, request, &(struct job_submit){0}, &out, NULL), LTD_OK);
    job_request_unref(request);
    memcpy(id, out.id, RANDOM_ID_SIZE);
}

/* Waits until the newest delivery of the job is over, and copies it. */
static bool wait_over(const char *job, struct delivery *out)
{
    const double end = clock_monotonic() + 20;

    while (clock_monotonic() < end) {
        if (webhooks_of_job(webhooks, job, out, 1) == 1 && out->state != DELIVERY_PENDING)
            return true;
        usleep(1000);
    }
    return false;
}

/* Copies the value of a request's header. */
static void header(const char *request, const char *name, char *out, size_t size)
{
    const char *found = strcasestr(request, name);

    out[0] = '\0';
    if (found)
        snprintf(out, size, "%.*s", (int)strcspn(found + strlen(name), "\r"), found + strlen(name));
}

TEST(the_end_of_a_job_is_told_once_and_signed)
{
    char id[RANDOM_ID_SIZE], body[128], message[64], time[32], signature[128], want[WEBHOOK_SIGNATURE_SIZE];
    struct webhook_secrets secrets = {0};
    struct delivery told;

    REQUIRE(start(ok, "127.0.0.1", 100));
    submit("127.0.0.1", 0, id);
    REQUIRE(wait_over(id, &told));
    CHECK_INT(told.state, DELIVERY_DONE);
    CHECK_STR(told.event, "job.succeeded");
    CHECK_INT(told.try_count, 1);
    CHECK_INT(told.tries[0].status, 204);
    CHECK_STR(told.tries[0].error, "");
    CHECK_INT(told.next_ms, 0);
    CHECK_INT(receiver_wait(&receiver, 1), 1);
    CHECK(memcmp(receiver.requests[0], "POST /hook?x=1 HTTP/1.1\r\n", 25) == 0);
    snprintf(body, sizeof body, "job.succeeded of %s", id);
    CHECK(strstr(receiver.requests[0], body) != NULL);
    header(receiver.requests[0], "\r\nwebhook-id: ", message, sizeof message);
    header(receiver.requests[0], "\r\nwebhook-timestamp: ", time, sizeof time);
    header(receiver.requests[0], "\r\nwebhook-signature: ", signature, sizeof signature);
    CHECK(memcmp(message, "msg_", 4) == 0);
    CHECK_STR(message + 4, told.id);
    CHECK(!webhook_secrets_add(&secrets, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    CHECK(webhook_sign(&secrets, message, atoll(time), body, strlen(body), want));
    CHECK_STR(signature, want);
    CHECK(llabs(atoll(time) - clock_unix_ms() / 1000) < 60);
    CHECK_INT(webhooks_count(webhooks).delivered, 1);
    stop();
}

TEST(only_the_events_that_were_asked_for_are_told)
{
    struct delivery told[3];
    char id[RANDOM_ID_SIZE];

    REQUIRE(start(ok, "127.0.0.1", 100));
    submit("127.0.0.1", 1u << WEBHOOK_STARTED | 1u << WEBHOOK_SUCCEEDED, id);
    CHECK_INT(receiver_wait(&receiver, 2), 2);
    REQUIRE(wait_over(id, &told[0]));
    CHECK_INT(webhooks_of_job(webhooks, id, told, 3), 2);
    submit("127.0.0.1", 1u << WEBHOOK_FAILED, id);
    usleep(50000);
    CHECK_INT(webhooks_of_job(webhooks, id, told, 3), 0);
    stop();
}

TEST(what_failed_is_tried_again_until_it_is_taken)
{
    struct delivery told;
    char id[RANDOM_ID_SIZE], first[64], last[64];

    REQUIRE(start(wrong, "127.0.0.1", 0.02));
    submit("127.0.0.1", 0, id);
    CHECK(receiver_wait(&receiver, 2) >= 2);
    receiver_answer(&receiver, ok);
    REQUIRE(wait_over(id, &told));
    CHECK_INT(told.state, DELIVERY_DONE);
    CHECK(told.try_count >= 3);
    CHECK_INT(told.tries[0].status, 500);
    CHECK(told.tries[0].error[0]);
    header(receiver.requests[0], "\r\nwebhook-id: ", first, sizeof first);
    header(receiver.requests[told.try_count - 1], "\r\nwebhook-id: ", last, sizeof last);
    CHECK_STR(first, last); /* so that receivers can tell that they have it already */
    stop();
}

TEST(after_five_tries_it_is_given_up)
{
    struct delivery told;
    char id[RANDOM_ID_SIZE];
    double begin;

    REQUIRE(start(wrong, "127.0.0.1", 0.02));
    begin = clock_monotonic();
    submit("127.0.0.1", 0, id);
    REQUIRE(wait_over(id, &told));
    CHECK_INT(told.state, DELIVERY_FAILED);
    CHECK_INT(told.try_count, 5);
    CHECK_INT(receiver_wait(&receiver, 5), 5);
    /* 20, 50, 125 and 312 ms, each give or take a fifth */
    CHECK(clock_monotonic() - begin >= 0.8 * 0.507);
    CHECK_INT(webhooks_count(webhooks).failed, 1);
    CHECK_INT(webhooks_count(webhooks).retried, 4);
    stop();
}

TEST(who_is_gone_is_not_asked_again)
{
    struct delivery told;
    char id[RANDOM_ID_SIZE];

    REQUIRE(start("HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", "127.0.0.1", 0.001));
    submit("127.0.0.1", 0, id);
    REQUIRE(wait_over(id, &told));
    CHECK_INT(told.state, DELIVERY_FAILED);
    CHECK_INT(told.try_count, 1);
    CHECK_INT(told.tries[0].status, 410);
    stop();
}

TEST(redirects_are_not_followed)
{
    char answer[128], id[RANDOM_ID_SIZE];
    struct delivery told;

    REQUIRE(start(wrong, "127.0.0.1", 0.001));
    snprintf(answer, sizeof answer, "HTTP/1.1 307 There\r\nLocation: http://127.0.0.1:%d/secret\r\n\r\n",
             receiver.port);
    receiver_answer(&receiver, answer);
    submit("127.0.0.1", 0, id);
    REQUIRE(wait_over(id, &told));
    CHECK_INT(told.state, DELIVERY_FAILED);
    CHECK_INT(told.tries[0].status, 307);
    for (size_t i = 0; i < receiver_wait(&receiver, 5); i++)
        CHECK(!strstr(receiver.requests[i], "/secret"));
    stop();
}

TEST(a_long_answer_is_cut_and_its_status_counts)
{
    enum { LONG = 1 << 20 };
    char *answer = malloc(LONG + 64), id[RANDOM_ID_SIZE];
    struct delivery told;
    int head;

    REQUIRE(answer);
    head = sprintf(answer, "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n");
    memset(answer + head, 'x', LONG);
    answer[head + LONG] = '\0';
    REQUIRE(start(answer, "127.0.0.1", 100));
    submit("127.0.0.1", 0, id);
    REQUIRE(wait_over(id, &told));
    CHECK_INT(told.state, DELIVERY_DONE);
    stop();
    free(answer);
}

/* The name is allowed when the job is taken; the address that it leads to is not, and decides. */
TEST(a_name_that_leads_to_a_private_address_is_not_reached)
{
    char id[RANDOM_ID_SIZE], url[64], why[WEBHOOK_WHY_SIZE];
    const struct job_notify notify = {on_end, NULL, 1};
    struct blob *body = blob_from_text("{}");
    struct delivery told;
    const double end = clock_monotonic() + 20;
    char name[64] = "";

    CHECK_INT(gethostname(name, sizeof name - 1), 0);
    REQUIRE(start(ok, NULL, 0.001));
    snprintf(url, sizeof url, "https://%s:%d/", name, receiver.port);
    if (!webhooks_take(webhooks, url, why, sizeof why)) {
        check_skip("this machine's name is no host name: %s", why);
    } else {
        CHECK_INT(webhooks_test(webhooks, url, body, &notify, id, NULL), LTD_OK);
        while (atomic_load(&notified) == 0 && clock_monotonic() < end)
            usleep(1000);
        REQUIRE(webhooks_get(webhooks, id, &told));
        CHECK_INT(told.state, DELIVERY_FAILED);
        CHECK_INT(told.try_count, 1);
        CHECK_INT(told.tries[0].status, 0);
        CHECK_STR(told.tries[0].error, "its address is none that this server may reach");
        CHECK_INT(receiver.count, 0);
    }
    blob_unref(body);
    stop();
}

TEST(a_test_is_sent_once_and_notifies)
{
    const struct job_notify notify = {on_end, NULL, 1};
    struct blob *body = blob_from_text("{\"type\": \"webhook.test\"}");
    const double end = clock_monotonic() + 20;
    char id[RANDOM_ID_SIZE], url[64];
    struct delivery told;

    REQUIRE(start(wrong, "127.0.0.1", 0.001));
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", receiver.port);
    CHECK_INT(webhooks_test(webhooks, url, body, &notify, id, NULL), LTD_OK);
    while (atomic_load(&notified) == 0 && clock_monotonic() < end)
        usleep(1000);
    REQUIRE(webhooks_get(webhooks, id, &told));
    CHECK_INT(told.state, DELIVERY_FAILED);
    CHECK_INT(told.try_count, 1);
    CHECK_STR(told.event, "webhook.test");
    CHECK_INT(webhooks_test(webhooks, "https://10.0.0.1/", body, &notify, id, NULL), LTD_EINVAL);
    CHECK(!webhooks_get(webhooks, "00000000000000000000000000000000", &told));
    blob_unref(body);
    stop();
}

TEST(stopping_tries_what_is_new_and_waits_no_longer_than_it_may)
{
    struct delivery told;
    char id[RANDOM_ID_SIZE], stuck[RANDOM_ID_SIZE];
    double begin;

    REQUIRE(start(wrong, "127.0.0.1", 100));
    submit("127.0.0.1", 0, id);
    CHECK_INT(receiver_wait(&receiver, 1), 1);
    begin = clock_monotonic();
    webhooks_stop(webhooks, 5); /* it has been tried; the next try would be in 100 s */
    CHECK(clock_monotonic() - begin < 4);
    REQUIRE(webhooks_of_job(webhooks, id, &told, 1) == 1);
    CHECK_INT(told.state, DELIVERY_FAILED);
    stop();

    REQUIRE(start(ok, "127.0.0.1", 100));
    receiver.hang = true;
    submit("127.0.0.1", 0, stuck);
    CHECK_INT(receiver_wait(&receiver, 1), 1);
    begin = clock_monotonic();
    webhooks_stop(webhooks, 0.2);
    CHECK(clock_monotonic() - begin >= 0.2);
    CHECK(clock_monotonic() - begin < 4);
    REQUIRE(webhooks_of_job(webhooks, stuck, &told, 1) == 1);
    CHECK_INT(told.state, DELIVERY_FAILED);
    CHECK(strstr(told.tries[0].error, "the server ended") != NULL);
    submit("127.0.0.1", 0, id);
    usleep(20000);
    CHECK_INT(webhooks_of_job(webhooks, id, &told, 1), 0);
    stop();
}

TEST(off_is_said_so)
{
    char why[WEBHOOK_WHY_SIZE];
    struct delivery told;

    CHECK(!webhooks_take(NULL, "https://example.org/", why, sizeof why));
    CHECK(strstr(why, "webhook_secret") != NULL);
    CHECK_INT(webhooks_of_job(NULL, "x", &told, 1), 0);
    CHECK(!webhooks_get(NULL, "x", &told));
    CHECK_INT(webhooks_count(NULL).failed, 0);
    webhooks_stop(NULL, 1);
    webhooks_close(NULL);
}
