#include "handlers/app.h"

#include <stdio.h>

#include "api/webhook_encode.h"
#include "handlers/find_job.h"
#include "handlers/wait_job.h"
#include "util/clock.h"
#include "webhook/webhooks.h"

enum { MOST_LISTED = 64 };

static void add_time(struct ltd_json *object, const char *key, int64_t unix_ms)
{
    char text[CLOCK_TEXT_SIZE];

    if (unix_ms == 0)
        return;
    clock_format(text, unix_ms);
    ltd_json_add(object, key, ltd_json_new_string(text));
}

static struct ltd_json *encode_try(const struct delivery_try *try)
{
    struct ltd_json *json = ltd_json_new_object();

    add_time(json, "at", try->at_ms);
    if (try->status > 0)
        ltd_json_add(json, "status", ltd_json_new_number(try->status));
    ltd_json_add(json, "seconds", ltd_json_new_number((double)(int64_t)(try->seconds * 1e3) / 1e3));
    if (try->error[0])
        ltd_json_add(json, "error", ltd_json_new_string(try->error));
    return json;
}

static struct ltd_json *encode_delivery(const struct delivery *delivery)
{
    struct ltd_json *json = ltd_json_new_object(), *tries = ltd_json_new_array();
    char id[RANDOM_ID_SIZE + 8];

    snprintf(id, sizeof id, "msg_%s", delivery->id);
    ltd_json_add(json, "id", ltd_json_new_string(id));
    ltd_json_add(json, "type", ltd_json_new_string(delivery->event));
    ltd_json_add(json, "status", ltd_json_new_string(delivery_state_name(delivery->state)));
    add_time(json, "created_at", delivery->created_ms);
    add_time(json, "next_try_at", delivery->next_ms);
    for (int i = 0; i < delivery->try_count; i++)
        ltd_json_append(tries, encode_try(&delivery->tries[i]));
    ltd_json_add(json, "tries", tries);
    return json;
}

enum http_next handle_job_webhooks(void *self, struct http_request *request, struct http_reply *reply)
{
    const struct app *app = self;
    struct ltd_json *json, *list;
    struct delivery deliveries[MOST_LISTED];
    struct job_view job;
    size_t count;

    if (!find_job(app, request, 0, &job, reply))
        return HTTP_REPLY;
    count = webhooks_of_job(app->webhooks, job.record.id, deliveries, MOST_LISTED);
    job_record_fini(&job.record);
    json = ltd_json_new_object();
    list = ltd_json_new_array();
    for (size_t i = 0; i < count; i++)
        ltd_json_append(list, encode_delivery(&deliveries[i]));
    ltd_json_add(json, "deliveries", list);
    http_reply_header(reply, "Cache-Control", "no-store");
    reply_json(reply, 200, json);
    return HTTP_REPLY;
}

/* Sends a test to the URL that the body names.  False: *problem says why not. */
static bool send_test(const struct app *app, struct http_request *request, const struct ltd_json *document,
                      struct problem *problem)
{
    const struct job_notify notify = notify_request(request);
    const struct ltd_json *url = ltd_json_get(document, "url");
    struct blob *body;
    struct ltd_error error;
    enum ltd_status st;

    if (ltd_json_type(document) != LTD_JSON_OBJECT || ltd_json_size(document) != 1 ||
        ltd_json_type(url) != LTD_JSON_STRING) {
        problem_add(problem, url ? "/url" : "", "send {\"url\": URL}");
        problem_set_invalid(problem);
        return false;
    }
    body = webhook_encode_test();
    st = body ? webhooks_test(app->webhooks, ltd_json_string(url), body, &notify, request->note, &error)
              : ltd_fail(&error, LTD_ENOMEM, "no memory for the message");
    blob_unref(body);
    if (st == LTD_EINVAL) {
        problem_add(problem, "/url", error.message);
        problem_set_invalid(problem);
    } else if (st != LTD_OK) {
        problem_from_error(problem, &error);
    }
    return st == LTD_OK;
}

/* The note is the delivery's id while the request waits. */
enum http_next handle_webhook_test(void *self, struct http_request *request, struct http_reply *reply)
{
    const struct app *app = self;
    struct ltd_json *document = NULL;
    struct problem problem = {0};
    struct delivery delivery;
    bool sent;

    if (request->resumed) {
        if (webhooks_get(app->webhooks, request->note, &delivery))
            reply_json(reply, 200, encode_delivery(&delivery));
        else
            reply_error(app, request, reply, 410, "expired",
                        "so much has happened since that it is forgotten");
        return HTTP_REPLY;
    }
    sent = request_parse(request->body, request->body_size, &document, &problem) &&
           send_test(app, request, document, &problem);
    ltd_json_free(document);
    if (!sent) {
        reply_problem(app, request, &problem, reply);
        return HTTP_REPLY;
    }
    request->on_hangup = HTTP_HANGUP_IGNORE;
    return HTTP_WAIT;
}
