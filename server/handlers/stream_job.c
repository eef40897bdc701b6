#include "handlers/stream_job.h"

#include <stdlib.h>
#include <string.h>

#include "handlers/wait_job.h"

/* What a stream remembers between two pieces. */
struct follower {
    const struct app *app;
    char id[RANDOM_ID_SIZE];
    uint64_t ticket;
    struct stream_job how;
};

/* Tells the next event that the family tells at all. */
static enum http_stream_state next_piece(void *self, struct blob **piece)
{
    struct follower *f = self;
    struct job_event event;
    bool ended = false;

    *piece = NULL;
    while (!*piece && !ended && jobs_events(f->app->jobs, f->id, f->how.after, &event, 1, &ended) == 1) {
        f->how.after = event.number;
        *piece = f->how.encode(f->app, f->id, &event, f->how.family_arg);
        job_event_fini(&event);
    }
    return ended ? HTTP_STREAM_END : HTTP_STREAM_MORE;
}

/* The stream ends with its job, or because its client is gone. */
static void free_follower(void *self)
{
    struct follower *f = self;

    jobs_abandon(f->app->jobs, f->id, f->ticket);
    free(f);
}

static struct job_watch watch_of(const struct http_request *request, const struct stream_job *stream)
{
    return (struct job_watch){.notify = notify_request(request),
                              .every_event = true,
                              .after = stream->after,
                              .previews = stream->previews,
                              .wants_job = stream->wants_job};
}

/* From here on the reply owns the watch. */
static void make_reply(struct follower *follower, const struct app *app, const struct http_request *request,
                       const struct stream_job *stream, struct http_reply *reply)
{
    *follower = (struct follower){.app = app, .ticket = request->ticket, .how = *stream};
    memcpy(follower->id, request->note, sizeof follower->id);
    sse_reply(reply);
    reply->stream.self = follower;
    reply->stream.next = next_piece;
    reply->stream.free = free_follower;
}

bool stream_job_submit(struct app *app, struct http_request *request, struct job_request *asked,
                       struct job_submit how, const struct stream_job *stream, struct http_reply *reply,
                       struct problem *problem)
{
    const struct job_watch watch = watch_of(request, stream);
    struct follower *follower = malloc(sizeof *follower);
    struct job_submitted submitted;

    how.watch = &watch;
    if (!follower) {
        job_request_unref(asked);
        problem_set(problem, 503, "no_memory", "no memory for the answer; try again later");
        return false;
    }
    if (!submit_job(app, request, asked, &how, &submitted, problem)) {
        free(follower);
        return false;
    }
    http_reply_header(reply, "X-Job-Id", "%s", request->note);
    http_reply_header(reply, "Location", "/api/v1/jobs/%s", request->note);
    make_reply(follower, app, request, stream, reply);
    return true;
}

enum job_found stream_job_follow(struct app *app, struct http_request *request,
                                 const struct stream_job *stream, struct http_reply *reply)
{
    const struct job_watch watch = watch_of(request, stream);
    struct follower *follower = malloc(sizeof *follower);
    enum job_found found = JOB_NO_MEMORY;

    if (follower)
        found = jobs_watch(app->jobs, request->note, &watch);
    if (found == JOB_FOUND)
        make_reply(follower, app, request, stream, reply);
    else
        free(follower);
    return found;
}
