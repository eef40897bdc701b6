#include "handlers/openai_stream.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/openai_encode.h"
#include "handlers/wait_job.h"
#include "http/httpd.h"
#include "http/sse.h"

enum { EVENTS_AT_ONCE = 16 };

/* An event that is made at the desk.  The stream may end before it is done: whoever is the last frees it. */
struct errand {
    struct desk_item item;
    atomic_int references;
    struct httpd *httpd;
    uint64_t ticket; /* of the stream, to be woken */
    struct job_record job;
    struct openai_answer answer;
    struct blob *preview; /* owned; NULL: the event is the last one */
    int index;            /* of the preview */
    atomic_bool done;
    struct blob *event; /* owned; once done */
};

/* HTTP thread only. */
struct stream {
    struct app *app;
    struct httpd *httpd;
    uint64_t ticket;
    char id[RANDOM_ID_SIZE];
    struct openai_answer answer;
    uint64_t after; /* number of the last event that was looked at */
    int partials;   /* that were sent or are being made */
    bool ended;     /* the job has */
    struct errand *errand;
};

static void errand_unref(struct errand *errand)
{
    if (!errand || atomic_fetch_sub(&errand->references, 1) > 1)
        return;
    job_record_fini(&errand->job);
    blob_unref(errand->preview);
    blob_unref(errand->event);
    free(errand);
}

/* Takes json. */
static struct blob *new_event(const char *name, struct ltd_json *json)
{
    char *text = json ? ltd_json_print(json, false) : NULL;
    struct blob *event = text ? sse_event(0, name, text) : NULL;

    free(text);
    ltd_json_free(json);
    return event;
}

static void errand_do(struct errand *errand)
{
    const enum openai_route route = errand->answer.route;

    if (errand->preview)
        errand->event =
            new_event(openai_partial_name(route),
                      openai_partial_encode(&errand->job, &errand->answer, errand->preview, errand->index));
    else
        errand->event = new_event(openai_completed_name(route),
                                  openai_completed_encode(&errand->job, &errand->answer, 0));
    atomic_store(&errand->done, true);
}

static void errand_run(struct desk_item *item)
{
    struct errand *errand = (struct errand *)((char *)item - offsetof(struct errand, item));

    errand_do(errand);
    httpd_wake(errand->httpd, errand->ticket);
    errand_unref(errand);
}

/* Takes job, and a reference to preview.  Once the server drains, streams do not wait any more, and the work
 * is done here. */
static void send_errand(struct stream *s, struct job_record *job, struct blob *preview)
{
    struct errand *errand = calloc(1, sizeof *errand);

    if (!errand) {
        job_record_fini(job);
        blob_unref(preview);
        return;
    }
    *errand = (struct errand){.item.run = errand_run,
                              .httpd = s->httpd,
                              .ticket = s->ticket,
                              .job = *job,
                              .answer = s->answer,
                              .preview = preview,
                              .index = s->partials};
    s->errand = errand;
    if (atomic_load(&s->app->draining)) {
        atomic_init(&errand->references, 1);
        errand_do(errand);
    } else {
        atomic_init(&errand->references, 2);
        httpd_bring(s->httpd, &errand->item);
    }
}

/* The share of the job that is done when partial picture `index` is due. */
static double due(const struct stream *s)
{
    return (s->partials + 1.0) / (s->answer.partial_images + 1.0);
}

/* The newest preview among what has happened since, if one is due; the caller owns it. */
static struct blob *look_at_events(struct stream *s)
{
    struct job_event events[EVENTS_AT_ONCE];
    struct blob *preview = NULL;
    size_t count;

    do {
        count = jobs_events(s->app->jobs, s->id, s->after, events, EVENTS_AT_ONCE, &s->ended);
        for (size_t i = 0; i < count; i++) {
            s->after = events[i].number;
            if (events[i].type == JOB_EVENT_PREVIEW && events[i].picture &&
                s->partials < s->answer.partial_images && events[i].progress.fraction >= due(s)) {
                blob_unref(preview);
                preview = blob_ref(events[i].picture);
            }
            job_event_fini(&events[i]);
        }
    } while (count == EVENTS_AT_ONCE);
    return preview;
}

/* job NULL: there is no memory for it. */
static struct blob *error_event(const struct job_record *job)
{
    struct problem problem = {0};
    struct blob *event;

    if (job)
        problem_from_error(&problem, &job->result.error);
    else
        problem_set(&problem, 503, "no_memory", "no memory for the picture; try again later");
    event = new_event("error", openai_error_encode(&problem));
    problem_fini(&problem);
    return event;
}

/* What the errand came to; NULL: it is not done, or has failed.  It is gone in any case. */
static struct blob *take_event(struct stream *s)
{
    struct errand *errand = s->errand;
    struct blob *event = NULL;

    if (errand && atomic_load(&errand->done)) {
        event = errand->event ? blob_ref(errand->event) : NULL;
        if (!event && s->ended)
            event = error_event(NULL);
    }
    s->errand = NULL;
    errand_unref(errand);
    return event;
}

static void start_partial(struct stream *s, struct blob *preview)
{
    struct job_view job;

    if (jobs_get(s->app->jobs, s->id, &job) != JOB_FOUND) {
        blob_unref(preview);
        return;
    }
    send_errand(s, &job.record, preview);
    s->partials++;
}

/* The last event; NULL: an errand makes it. */
static struct blob *start_end(struct stream *s)
{
    struct job_view job;
    struct blob *event;

    if (jobs_get(s->app->jobs, s->id, &job) != JOB_FOUND)
        return error_event(NULL);
    if (job.record.state == JOB_SUCCEEDED) {
        send_errand(s, &job.record, NULL);
        return s->errand ? NULL : error_event(NULL);
    }
    event = error_event(&job.record);
    job_record_fini(&job.record);
    return event;
}

/* Whether there is an errand to wait for. */
static bool errand_is_out(const struct stream *s)
{
    return s->errand && !atomic_load(&s->errand->done) && !atomic_load(&s->app->draining);
}

static enum http_stream_state stream_next(void *self, struct blob **piece)
{
    struct stream *s = self;
    struct blob *preview;

    *piece = NULL;
    if (errand_is_out(s))
        return HTTP_STREAM_MORE;
    *piece = take_event(s);
    if (*piece)
        return s->ended ? HTTP_STREAM_END : HTTP_STREAM_MORE;
    preview = look_at_events(s);
    if (s->ended) {
        blob_unref(preview);
        *piece = start_end(s);
    } else if (preview) {
        start_partial(s, preview);
    }
    if (!*piece && !errand_is_out(s))
        *piece = take_event(s);
    return *piece && s->ended ? HTTP_STREAM_END : HTTP_STREAM_MORE;
}

/* The stream ends with its job, or because its client has gone. */
static void stream_free(void *self)
{
    struct stream *s = self;

    jobs_abandon(s->app->jobs, s->id, s->ticket);
    errand_unref(s->errand);
    free(s);
}

static struct stream *stream_new(struct app *app, const struct http_request *request,
                                 const struct openai_answer *answer)
{
    struct stream *s = calloc(1, sizeof *s);

    if (s) {
        s->app = app;
        s->httpd = request->httpd;
        s->ticket = request->ticket;
        s->answer = *answer;
    }
    return s;
}

bool openai_stream_submit(struct app *app, struct http_request *request, const struct openai_request *asked,
                          struct job_submit how, struct http_reply *reply, struct problem *problem)
{
    const struct job_watch watch = {.notify = notify_request(request),
                                    .every_event = true,
                                    .previews = asked->answer.partial_images > 0,
                                    .wants_job = true};
    struct stream *s = stream_new(app, request, &asked->answer);
    struct job_submitted submitted;
    struct job_view job;

    if (!s) {
        problem_set(problem, 503, "no_memory", "no memory for the request; try again later");
        return false;
    }
    how.watch = &watch;
    if (!submit_job(app, request, job_request_ref(asked->job), &how, &submitted, problem)) {
        free(s);
        return false;
    }
    memcpy(s->id, submitted.id, sizeof s->id);
    sse_reply(reply);
    reply->stream.self = s;
    reply->stream.next = stream_next;
    reply->stream.free = stream_free;
    if (jobs_get(app->jobs, s->id, &job) == JOB_FOUND) {
        wait_job_headers(&job, reply);
        job_record_fini(&job.record);
    }
    return true;
}
