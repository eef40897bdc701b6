#include "api/a1111_decode.h"
#include "api/a1111_encode.h"
#include "handlers/a1111.h"
#include "handlers/wait_job.h"

/* Reads the body as far as the queue; NULL: *refusal says why not. */
static struct job_request *decode(struct app *app, const struct http_request *request, enum a1111_route route,
                                  struct a1111_refusal *refusal)
{
    const struct a1111_settings standing = a1111_settings_get(app);
    const struct a1111_catalog catalog = a1111_catalog(app);
    struct ltd_json *document = a1111_parse(request, refusal);
    struct job_request *asked = NULL;
    struct a1111_asked said = {0};
    struct problem problem = {0};

    if (!document)
        return NULL;
    a1111_decode(document, route, &standing, &catalog, &said, refusal);
    ltd_json_free(document);
    /* Wrong values are told together with the native ones. */
    if (!refusal->code && ltd_json_first(said.native) &&
        !request_decode_json(&app->decode, said.native, &asked, &problem))
        a1111_refuse_problem(refusal, &problem, a1111_place_of);
    if (asked && (refusal->status != 0 || !a1111_dress_request(&said, asked))) {
        job_request_unref(asked);
        asked = NULL;
    }
    problem_fini(&problem);
    a1111_asked_fini(&said);
    return asked;
}

static struct ltd_json *encode(const struct app *app, const struct job_view *job)
{
    const struct a1111_catalog catalog = a1111_catalog(app);

    return a1111_answer_encode(job, &catalog);
}

static enum http_next generate(struct app *app, struct http_request *request, enum a1111_route route,
                               struct http_reply *reply)
{
    struct a1111_refusal refusal = {0};
    struct problem problem = {0};
    struct job_request *asked;

    if (request->resumed)
        return a1111_reply_job(app, request, reply, encode);
    if ((route == A1111_IMG2IMG || a1111_body_is_long(app, request)) && !request->at_desk)
        return HTTP_DESK;
    asked = decode(app, request, route, &refusal);
    if (!asked)
        return a1111_reply_refusal(app, request, reply, &refusal);
    if (wait_job_submit(app, request, asked, (struct job_submit){0}, &problem))
        return HTTP_WAIT;
    a1111_refuse_problem(&refusal, &problem, a1111_place_of);
    problem_fini(&problem);
    return a1111_reply_refusal(app, request, reply, &refusal);
}

enum http_next handle_a1111_txt2img(void *self, struct http_request *request, struct http_reply *reply)
{
    return generate(self, request, A1111_TXT2IMG, reply);
}

enum http_next handle_a1111_img2img(void *self, struct http_request *request, struct http_reply *reply)
{
    return generate(self, request, A1111_IMG2IMG, reply);
}
