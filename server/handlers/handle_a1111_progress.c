/*
 * handle_a1111_progress.c - how far the jobs of this family are, and their end.
 *
 * There, one picture is made at a time, and all clients look at it.  Here, what is shown is the job of this
 * family that has run longest, else one that waits; jobs of other families are not shown.  To interrupt, or
 * to skip, ends the jobs of this family that run, and no others; those that wait have their turn.
 */
#include <string.h>

#include "api/a1111_decode.h"
#include "api/a1111_encode.h"
#include "handlers/a1111.h"
#include "util/random_id.h"

static const unsigned family = 1u << JOB_A1111, running = 1u << JOB_RUNNING, queued = 1u << JOB_QUEUED;

/* Copies up to room jobs; 0 when they cannot be listed. */
static size_t list(const struct app *app, const struct job_filter *filter, struct job_view *out, size_t room,
                   bool *more)
{
    size_t count = 0;

    return jobs_list(app->jobs, filter, out, room, &count, more, NULL) == LTD_OK ? count : 0;
}

static void end_views(struct job_view *views, size_t count)
{
    for (size_t i = 0; i < count; i++)
        job_record_fini(&views[i].record);
}

/* The job that has run longest, or one that waits; false: there is none. */
static bool current_job(const struct app *app, struct job_view *out)
{
    struct job_view views[JOBS_MAX_WORKERS];
    bool more;
    size_t count = list(app, &(struct job_filter){.families = family, .states = running}, views,
                        JOBS_MAX_WORKERS, &more);

    if (count == 0)
        count = list(app, &(struct job_filter){.families = family, .states = queued}, views, 1, &more);
    if (count == 0)
        return false;
    end_views(views, count - 1);
    *out = views[count - 1];
    return true;
}

/* NULL while there is none. */
static struct blob *preview_of(const struct app *app, const struct job_view *job, uint64_t *number)
{
    struct blob *png = NULL;

    *number = 0;
    if (job->record.state != JOB_RUNNING ||
        jobs_preview(app->jobs, job->record.id, &png, number) != JOB_FOUND)
        return NULL;
    return png;
}

enum http_next handle_a1111_progress(void *self, struct http_request *request, struct http_reply *reply)
{
    static const char skip[] = "skip_current_image";
    struct job_view job;
    struct blob *preview = NULL;
    char text[8] = "";
    const bool skips = http_request_query(request, skip, text, sizeof text) &&
                       (strcmp(text, "1") == 0 || strcasecmp(text, "true") == 0);
    uint64_t number;

    http_reply_header(reply, "Cache-Control", "no-store");
    if (!current_job(self, &job))
        return a1111_reply(request, reply, a1111_progress_encode(NULL, NULL), skip);
    if (!skips)
        preview = preview_of(self, &job, &number);
    a1111_reply(request, reply, a1111_progress_encode(&job, preview), skip);
    blob_unref(preview);
    job_record_fini(&job.record);
    return HTTP_REPLY;
}

static void cancel_running(const struct app *app)
{
    struct job_view views[JOBS_MAX_WORKERS];
    bool more;
    const size_t count = list(app, &(struct job_filter){.families = family, .states = running}, views,
                              JOBS_MAX_WORKERS, &more);

    for (size_t i = 0; i < count; i++)
        jobs_cancel(app->jobs, views[i].record.id);
    end_views(views, count);
}

enum http_next handle_a1111_interrupt(void *self, struct http_request *request, struct http_reply *reply)
{
    cancel_running(self);
    return a1111_reply(request, reply, ltd_json_new_object(), NULL);
}

enum http_next handle_a1111_skip(void *self, struct http_request *request, struct http_reply *reply)
{
    cancel_running(self);
    return a1111_reply(request, reply, ltd_json_new_null(), NULL);
}

/* The job of a task: its tag, or its id in "task(ID)". */
static bool task_job(const struct app *app, const char *task, struct job_view *out)
{
    static const char prefix[] = "task(";
    const size_t before = sizeof prefix - 1, id_length = RANDOM_ID_SIZE - 1;
    char tag[A1111_TAG_SIZE], id[RANDOM_ID_SIZE];
    bool more;

    if (list(app, &(struct job_filter){.families = family, .tag = a1111_tag(task, tag)}, out, 1, &more) == 1)
        return true;
    if (strncmp(task, prefix, before) != 0 || strlen(task) != before + id_length + 1 ||
        task[before + id_length] != ')')
        return false;
    memcpy(id, task + before, id_length);
    id[id_length] = '\0';
    return jobs_get(app->jobs, id, out) == JOB_FOUND;
}

enum http_next handle_a1111_task(void *self, struct http_request *request, struct http_reply *reply)
{
    struct a1111_refusal refusal = {0};
    struct a1111_value task = {0}, shown = {0}, wanted = {0};
    struct ltd_json *document = a1111_parse(request, &refusal);
    struct job_view job;
    struct blob *preview = NULL;
    uint64_t number = 0;
    bool found;

    if (!document)
        return a1111_reply_refusal(self, request, reply, &refusal);
    a1111_value_read(ltd_json_get(document, "id_task"), A1111_TYPE_TEXT, "id_task", &task, &refusal);
    a1111_value_read(ltd_json_get(document, "id_live_preview"), A1111_TYPE_INTEGER, "id_live_preview", &shown,
                     &refusal);
    a1111_value_read(ltd_json_get(document, "live_preview"), A1111_TYPE_BOOL, "live_preview", &wanted,
                     &refusal);
    if (refusal.status == 0 && !task.present)
        a1111_refuse_value(&refusal, "id_task", "value_error.missing", "send the task's id");
    if (refusal.status != 0) {
        ltd_json_free(document);
        return a1111_reply_refusal(self, request, reply, &refusal);
    }
    found = task_job(self, task.text, &job);
    if (found && (!wanted.present || wanted.truth))
        preview = preview_of(self, &job, &number);
    a1111_reply(request, reply,
                a1111_task_encode(found ? &job : NULL, preview, (int64_t)number,
                                  shown.present ? (int64_t)shown.number : -1),
                NULL);
    blob_unref(preview);
    if (found)
        job_record_fini(&job.record);
    ltd_json_free(document);
    return HTTP_REPLY;
}

enum http_next handle_a1111_pending(void *self, struct http_request *request, struct http_reply *reply)
{
    enum { PAGE = 32 };
    struct ltd_json *json = ltd_json_new_object(), *tasks = ltd_json_new_array();
    struct job_filter filter = {.families = family, .states = queued};
    struct job_view views[PAGE];
    char cursor[RANDOM_ID_SIZE], name[A1111_TASK_NAME_SIZE];
    bool more = true;
    size_t count = PAGE, size = 0;

    while (more && count > 0) {
        more = false;
        count = list(self, &filter, views, PAGE, &more);
        for (size_t i = 0; i < count; i++)
            ltd_json_append(tasks, ltd_json_new_string(a1111_task_name(&views[i].record, name)));
        if (count > 0)
            memcpy(cursor, views[count - 1].record.id, sizeof cursor);
        filter.cursor = cursor;
        size += count;
        end_views(views, count);
    }
    ltd_json_add(json, "size", ltd_json_new_number((double)size));
    ltd_json_add(json, "tasks", tasks);
    return a1111_reply(request, reply, json, NULL);
}
