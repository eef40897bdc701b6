#include "handlers/job_events.h"

#include <stdlib.h>
#include <string.h>

#include "api/job_encode.h"
#include "handlers/find_job.h"
#include "handlers/stream_job.h"
#include "util/parse_number.h"

enum { WITHOUT_IMAGES, WITH_IMAGES };

static struct blob *event_blob(uint64_t number, const char *name, struct ltd_json *json)
{
    char *text = json ? ltd_json_print(json, false) : NULL;
    struct blob *blob = text ? sse_event(number, name, text) : NULL;

    free(text);
    ltd_json_free(json);
    return blob;
}

static struct blob *encode_event(const struct app *app, const char *id, const struct job_event *event,
                                 int with_images)
{
    struct job_view job;
    struct blob *blob;

    if (event->type != JOB_EVENT_ENDED)
        return event_blob(event->number, event_name(event),
                          event_encode(id, event, with_images == WITH_IMAGES));
    if (jobs_get(app->jobs, id, &job) != JOB_FOUND)
        return NULL;
    blob = event_blob(event->number, event_name(event), job_encode(&job, app->models, false));
    job_record_fini(&job.record);
    return blob;
}

/* Previews are told to those who want them alone. */
static struct blob *encode_without_previews(const struct app *app, const char *id,
                                            const struct job_event *event, int with_images)
{
    return event->type == JOB_EVENT_PREVIEW ? NULL : encode_event(app, id, event, with_images);
}

bool job_events_submit(struct app *app, struct http_request *request, struct job_request *asked,
                       struct job_submit how, struct http_reply *reply, struct problem *problem)
{
    const struct stream_job stream = {
        .encode = encode_event, .family_arg = WITH_IMAGES, .previews = true, .wants_job = true};

    return stream_job_submit(app, request, asked, how, &stream, reply, problem);
}

/* False: *reply says that there is no such value. */
static bool read_previews(const struct app *app, const struct http_request *request, bool *previews,
                          struct http_reply *reply)
{
    char text[4] = "1";

    http_request_query(request, "previews", text, sizeof text);
    *previews = strcmp(text, "1") == 0;
    if (!*previews && strcmp(text, "0") != 0)
        reply_error(app, request, reply, 400, "bad_query", "previews may be 0 or 1");
    return *previews || strcmp(text, "0") == 0;
}

static bool read_last_event(const struct app *app, const struct http_request *request, uint64_t *after,
                            struct http_reply *reply)
{
    const char *text = http_request_header(request, "Last-Event-ID");

    *after = 0;
    if (!text || !*text || parse_uint64(text, after))
        return true;
    reply_error(app, request, reply, 400, "bad_header", "Last-Event-ID is the number of an event");
    return false;
}

enum http_next handle_job_events(void *self, struct http_request *request, struct http_reply *reply)
{
    struct app *app = self;
    struct stream_job stream = {.family_arg = WITHOUT_IMAGES};
    struct job_view job;
    enum job_found found;

    if (!read_previews(app, request, &stream.previews, reply) ||
        !read_last_event(app, request, &stream.after, reply) || !find_job(app, request, 0, &job, reply))
        return HTTP_REPLY;
    stream.encode = stream.previews ? encode_event : encode_without_previews;
    if (job_state_is_final(job.record.state) && stream.after >= job.last_event) {
        reply->status = 204; /* which tells browsers that there is nothing to come back for */
        job_record_fini(&job.record);
        return HTTP_REPLY;
    }
    job_record_fini(&job.record);
    found = stream_job_follow(app, request, &stream, reply);
    if (found == JOB_FOUND)
        return HTTP_STREAM;
    reply_absent(app, request, reply, found);
    return HTTP_REPLY;
}
