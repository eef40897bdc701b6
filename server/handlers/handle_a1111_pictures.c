#include "api/a1111_extras.h"
#include "api/a1111_fields.h"
#include "handlers/a1111.h"
#include "handlers/wait_job.h"

/* Pictures are decoded at the desk. */
static enum http_next answer(const struct app *app, const struct http_request *request,
                             struct http_reply *reply, struct ltd_json *json, struct a1111_refusal *refusal)
{
    return json ? a1111_reply(request, reply, json, NULL) : a1111_reply_refusal(app, request, reply, refusal);
}

static struct ltd_json *encode_one(const struct app *app, const struct job_view *job)
{
    (void)app;
    return a1111_extras_encode(&job->record, false);
}

static struct ltd_json *encode_batch(const struct app *app, const struct job_view *job)
{
    (void)app;
    return a1111_extras_encode(&job->record, true);
}

/* What needs no network is made at once. */
static enum http_next run_extras(struct app *app, struct http_request *request, struct http_reply *reply,
                                 bool batch)
{
    struct a1111_refusal refusal = {0};
    struct problem problem = {0};
    struct ltd_json *document, *json = NULL;
    struct job_request *asked = NULL;

    if (request->resumed)
        return a1111_reply_job(app, request, reply, batch ? encode_batch : encode_one);
    if (!request->at_desk)
        return HTTP_DESK;
    document = a1111_parse(request, &refusal);
    if (document)
        asked = a1111_extras_decode(document, batch, &app->decode, &refusal);
    ltd_json_free(document);
    if (asked && a1111_extras_is_long(asked, app->models->upscalers)) {
        if (wait_job_submit(app, request, asked, (struct job_submit){0}, &problem))
            return HTTP_WAIT;
        a1111_refuse_problem(&refusal, &problem, a1111_place_of);
        problem_fini(&problem);
        return a1111_reply_refusal(app, request, reply, &refusal);
    }
    if (asked) {
        json = a1111_extras_run(asked, batch, app->models->upscalers);
        for (size_t i = 0; i < asked->warning_count; i++)
            a1111_note_header(reply, asked->warnings[i].field, asked->warnings[i].message);
        job_request_unref(asked);
    }
    return answer(app, request, reply, json, &refusal);
}

enum http_next handle_a1111_extra(void *self, struct http_request *request, struct http_reply *reply)
{
    return run_extras(self, request, reply, false);
}

enum http_next handle_a1111_extra_batch(void *self, struct http_request *request, struct http_reply *reply)
{
    return run_extras(self, request, reply, true);
}

enum http_next handle_a1111_png_info(void *self, struct http_request *request, struct http_reply *reply)
{
    struct a1111_refusal refusal = {0};
    struct ltd_json *document, *json = NULL;

    if (!request->at_desk)
        return HTTP_DESK;
    document = a1111_parse(request, &refusal);
    if (document)
        json = a1111_png_info(document, &refusal);
    ltd_json_free(document);
    return answer(self, request, reply, json, &refusal);
}
