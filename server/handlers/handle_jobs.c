#include "handlers/app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/job_encode.h"
#include "handlers/native_request.h"
#include "handlers/wait_job.h"
#include "util/clock.h"
#include "util/parse_number.h"
#include "util/random_id.h"

enum { LIST_STANDARD = 50, KEY_SIZE = IDEMPOTENCY_KEY_SIZE + 48 };

/* One request of a POST or PUT, which makes a job of that id when it is not NULL.  The job is nobody's to
 * take away by hanging up: its handle is what was asked for. */
static enum http_next create_one(struct app *app, struct http_request *request,
                                 const struct native_request *native, const char *id,
                                 struct http_reply *reply)
{
    const struct job_watch watch = {.notify = notify_request(request)};
    struct job_submit how = native_request_submit(native);
    struct job_submitted submitted;
    struct job_request *asked = NULL;
    struct problem problem = {0};

    how.id = id;
    how.key = id ? NULL : how.key; /* the id is one already */
    how.watch = native->wait_s >= 0 ? &watch : NULL;
    if (!request_decode_json(&native->context, native->document, &asked, &problem) ||
        !submit_job(app, request, asked, &how, &submitted, &problem)) {
        if (!id)
            idempotency_key_conflict(native->key, &problem);
        reply_problem(app, request, &problem, reply);
        return HTTP_REPLY;
    }
    if (native->wait_s >= 0) {
        reply->wait_until = clock_monotonic() + native->wait_s;
        return HTTP_WAIT;
    }
    native_request_applied(native, false, reply);
    reply_handle(app, request, submitted.joined, reply);
    return HTTP_REPLY;
}

/* Several requests of which all become jobs, or none. */
struct batch {
    size_t count;
    struct job_request **requests;
    struct job_submit *how;
    struct job_submitted *submitted;
    char (*keys)[KEY_SIZE];
    char group[RANDOM_ID_SIZE];
};

static void batch_fini(struct batch *batch)
{
    for (size_t i = 0; batch->requests && i < batch->count; i++)
        job_request_unref(batch->requests[i]);
    free(batch->requests);
    free(batch->how);
    free(batch->submitted);
    free(batch->keys);
}

static bool batch_init(struct batch *batch, size_t count)
{
    *batch = (struct batch){.count = count};
    batch->requests = calloc(count, sizeof *batch->requests);
    batch->how = calloc(count, sizeof *batch->how);
    batch->submitted = calloc(count, sizeof *batch->submitted);
    batch->keys = calloc(count, sizeof *batch->keys);
    return batch->requests && batch->how && batch->submitted && batch->keys && random_id_make(batch->group);
}

static void refuse_others(const struct ltd_json *document, struct problem *problem)
{
    char pointer[PROBLEM_POINTER_SIZE], shown[FIELD_SHOWN_SIZE];

    for (const struct ltd_json *member = ltd_json_first(document); member; member = ltd_json_next(member)) {
        if (strcmp(ltd_json_key(member), "requests") == 0)
            continue;
        snprintf(pointer, sizeof pointer, "/%s", field_shown(shown, ltd_json_key(member)));
        problem_add(problem, pointer, "stands beside requests; put it into each of them");
    }
}

/* Decodes them all, and names what is wrong in any. */
static bool batch_decode(struct batch *batch, const struct native_request *native, struct problem *problem)
{
    const struct ltd_json *item = ltd_json_first(ltd_json_get(native->document, "requests"));
    char prefix[32];

    for (size_t i = 0; i < batch->count; i++, item = ltd_json_next(item)) {
        snprintf(prefix, sizeof prefix, "/requests/%zu", i);
        problem->prefix = prefix;
        (void)request_decode_json(&native->context, item, &batch->requests[i], problem);
        problem->prefix = NULL;
        batch->how[i] = native_request_submit(native);
        batch->how[i].group = batch->group;
        if (native->key[0]) {
            snprintf(batch->keys[i], KEY_SIZE, "%s/%zu", native->key, i);
            batch->how[i].key = batch->keys[i];
        }
    }
    return !problem->code && problem->error_count == 0;
}

static void reply_batch(const struct app *app, const struct batch *batch, struct http_reply *reply)
{
    struct ltd_json *json = ltd_json_new_object(), *list = ltd_json_new_array();
    struct ltd_json *urls = ltd_json_new_object();
    char group[RANDOM_ID_SIZE] = "", url[96];
    struct job_view job;

    for (size_t i = 0; i < batch->count; i++) {
        if (jobs_get(app->jobs, batch->submitted[i].id, &job) != JOB_FOUND)
            continue;
        memcpy(group, job.record.group, sizeof group); /* of those that were joined, their own */
        ltd_json_append(list, job_encode(&job, app->models, false));
        job_record_fini(&job.record);
    }
    snprintf(url, sizeof url, "/api/v1/jobs?group=%s", group);
    ltd_json_add(json, "group", ltd_json_new_string(group));
    ltd_json_add(json, "jobs", list);
    ltd_json_add(urls, "self", ltd_json_new_string(url));
    ltd_json_add(json, "urls", urls);
    http_reply_header(reply, "Location", "%s", url);
    reply_json(reply, 202, json);
}

static void create_batch(struct app *app, const struct http_request *request,
                         const struct native_request *native, struct http_reply *reply)
{
    const struct ltd_json *requests = ltd_json_get(native->document, "requests");
    const size_t count = ltd_json_type(requests) == LTD_JSON_ARRAY ? ltd_json_size(requests) : 0;
    struct problem problem = {0};
    struct ltd_error error;
    struct batch batch = {0};
    char many[48];

    snprintf(many, sizeof many, "send a list of 1 to %d requests", API_MAX_REQUESTS);
    refuse_others(native->document, &problem);
    if (count < 1 || count > API_MAX_REQUESTS)
        problem_add(&problem, "/requests", many);
    else if (!batch_init(&batch, count))
        problem_set(&problem, 503, "no_memory", "no memory for the requests; try again later");
    else if (batch_decode(&batch, native, &problem) &&
             jobs_submit_many(app->jobs, batch.requests, batch.how, count, batch.submitted, &error) != LTD_OK)
        problem_from_error(&problem, &error);
    if (!problem.code && problem.error_count > 0)
        problem_set_invalid(&problem);
    if (problem.code) {
        idempotency_key_conflict(native->key, &problem);
        reply_problem(app, request, &problem, reply);
    } else {
        native_request_applied(native, false, reply);
        reply_batch(app, &batch, reply);
    }
    batch_fini(&batch);
}

static enum http_next create(struct app *app, struct http_request *request, const char *id,
                             struct http_reply *reply)
{
    struct native_request native;
    struct problem problem = {0};
    enum http_next next = HTTP_REPLY;

    if (request->resumed) {
        native_request_prefers(app, request, &native);
        jobs_unwatch(app->jobs, request->note, request->ticket);
        native_request_applied(&native, true, reply);
        reply_handle(app, request, true, reply);
        return HTTP_REPLY;
    }
    if (native_request_is_long(app, request) && !request->at_desk)
        return HTTP_DESK;
    if (!native_request_read(app, request, &native, &problem)) {
        reply_problem(app, request, &problem, reply);
        return HTTP_REPLY;
    }
    if (!id && ltd_json_get(native.document, "requests"))
        create_batch(app, request, &native, reply);
    else
        next = create_one(app, request, &native, id, reply);
    native_request_fini(&native);
    return next;
}

enum http_next handle_job_create(void *self, struct http_request *request, struct http_reply *reply)
{
    return create(self, request, NULL, reply);
}

enum http_next handle_job_put(void *self, struct http_request *request, struct http_reply *reply)
{
    char id[RANDOM_ID_SIZE];

    if (http_request_param(request, 0, id, sizeof id) && random_id_is_valid(id))
        return create(self, request, id, reply);
    reply_error(self, request, reply, 422, "bad_id", "a job's id is %d hexadecimal digits, in lower case",
                RANDOM_ID_SIZE - 1);
    return HTTP_REPLY;
}

struct list_query {
    struct job_filter filter;
    char tag[JOB_MAX_TAG_BYTES + 1], group[RANDOM_ID_SIZE], cursor[RANDOM_ID_SIZE];
    size_t limit;
};

/* The states that a list of names with commas says; 0: one of them is none. */
static unsigned parse_states(char *text)
{
    unsigned states = 0;
    char *rest = text;

    for (const char *name = strsep(&rest, ","); name; name = strsep(&rest, ",")) {
        int state = 0;

        while (state < JOB_STATE_COUNT && strcmp(job_state_name((enum job_state)state), name) != 0)
            state++;
        if (state == JOB_STATE_COUNT)
            return 0;
        states |= 1u << state;
    }
    return states;
}

/* False: an id is not in the form of one. */
static bool read_id(const struct http_request *request, const char *name, char id[RANDOM_ID_SIZE],
                    const char **out)
{
    char text[RANDOM_ID_SIZE + 1];

    if (!http_request_query(request, name, text, sizeof text))
        return true;
    if (!random_id_is_valid(text))
        return false;
    memcpy(id, text, RANDOM_ID_SIZE);
    *out = id;
    return true;
}

/* False: *reply says what is wrong. */
static bool read_list_query(const struct app *app, const struct http_request *request, struct list_query *out,
                            struct http_reply *reply)
{
    char states[64], limit[16], tag[JOB_MAX_TAG_BYTES + 2];
    const char *wrong = NULL;
    uint64_t number = LIST_STANDARD;

    *out = (struct list_query){0};
    if (http_request_query(request, "status", states, sizeof states) &&
        !(out->filter.states = parse_states(states)))
        wrong = "status is a list, with commas, of queued, running, succeeded, failed and canceled";
    if (http_request_query(request, "tag", tag, sizeof tag)) {
        if (strlen(tag) > JOB_MAX_TAG_BYTES)
            wrong = "no tag is that long";
        snprintf(out->tag, sizeof out->tag, "%.*s", JOB_MAX_TAG_BYTES, tag);
        out->filter.tag = out->tag;
    }
    if (!read_id(request, "group", out->group, &out->filter.group))
        wrong = "group is the id of a batch";
    if (!read_id(request, "cursor", out->cursor, &out->filter.cursor))
        wrong = "cursor is what the page before gave as next";
    if (http_request_query(request, "limit", limit, sizeof limit) &&
        (!parse_uint64(limit, &number) || number < 1 || number > API_MAX_LISTED))
        wrong = "limit is a number from 1 to 200";
    out->limit = (size_t)number;
    if (wrong)
        reply_error(app, request, reply, 400, "bad_query", "%s", wrong);
    return !wrong;
}

static struct ltd_json *encode_list(const struct app *app, const struct job_view *jobs, size_t count,
                                    bool more)
{
    struct ltd_json *json = ltd_json_new_object(), *list = ltd_json_new_array();

    for (size_t i = 0; i < count; i++)
        ltd_json_append(list, job_encode(&jobs[i], app->models, false));
    ltd_json_add(json, "jobs", list);
    if (more && count > 0)
        ltd_json_add(json, "next", ltd_json_new_string(jobs[count - 1].record.id));
    return json;
}

static void reply_list(const struct app *app, const struct http_request *request,
                       const struct list_query *query, struct http_reply *reply)
{
    struct job_view *jobs = calloc(query->limit, sizeof *jobs);
    struct ltd_error error;
    size_t count = 0;
    bool more = false;
    enum ltd_status st = LTD_ENOMEM;

    if (jobs)
        st = jobs_list(app->jobs, &query->filter, jobs, query->limit, &count, &more, &error);
    if (st == LTD_OK)
        reply_json(reply, 200, encode_list(app, jobs, count, more));
    else if (st == LTD_ENOTFOUND)
        reply_error(app, request, reply, 400, "bad_query",
                    "cursor: that job is no longer known; list from the newest on");
    else
        reply_error(app, request, reply, 503, "no_memory", "no memory for the list; try again later");
    for (size_t i = 0; i < count; i++)
        job_record_fini(&jobs[i].record);
    free(jobs);
}

enum http_next handle_job_list(void *self, struct http_request *request, struct http_reply *reply)
{
    const struct app *app = self;
    struct list_query query;

    if (!read_list_query(app, request, &query, reply))
        return HTTP_REPLY;
    if (!request->at_desk)
        return HTTP_DESK;
    reply_list(app, request, &query, reply);
    return HTTP_REPLY;
}
