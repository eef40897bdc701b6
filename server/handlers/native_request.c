#include "handlers/native_request.h"

#include <string.h>
#include <strings.h>

#include "http/http_prefer.h"
#include "util/parse_number.h"

enum { LONG_BODY = 64 * 1024 };

bool native_request_is_long(const struct app *app, const struct http_request *request)
{
    static const char *const marks[] = {"\"image\"", "\"inputs\"", "\"requests\""};
    bool is_long =
        request->body_size > LONG_BODY || model_set_may_ask(app->models, request->body, request->body_size);

    for (size_t i = 0; i < sizeof marks / sizeof marks[0] && request->body; i++)
        is_long |= memmem(request->body, request->body_size, marks[i], strlen(marks[i])) != NULL;
    return is_long;
}

/* A preference whose value nothing here is counts as none (RFC 7240 section 2). */
void native_request_prefers(const struct app *app, const struct http_request *request,
                            struct native_request *out)
{
    char value[24];
    uint64_t seconds;

    *out = (struct native_request){.context = app->decode, .wait_s = -1};
    out->respond_async = http_request_prefer(request, "respond-async", value, sizeof value);
    if (http_request_prefer(request, "wait", value, sizeof value) && parse_uint64(value, &seconds))
        out->wait_s = seconds < API_MAX_WAIT_S ? (int)seconds : API_MAX_WAIT_S;
    if (http_request_prefer(request, "handling", value, sizeof value)) {
        out->context.lenient = strcasecmp(value, "lenient") == 0;
        out->says_handling = out->context.lenient || strcasecmp(value, "strict") == 0;
    }
}

/* Over the path and the body, as they were sent. */
static void take_fingerprint(const struct http_request *request, uint8_t out[SHA256_SIZE])
{
    uint8_t both[2 * SHA256_SIZE];

    sha256(request->path, strlen(request->path), both);
    sha256(request->body ? request->body : "", request->body_size, both + SHA256_SIZE);
    sha256(both, sizeof both, out);
}

bool native_request_read(const struct app *app, const struct http_request *request,
                         struct native_request *out, struct problem *problem)
{
    native_request_prefers(app, request, out);
    if (!idempotency_key_read(request, JOB_NATIVE, out->key, problem))
        return false;
    take_fingerprint(request, out->fingerprint);
    return request_parse(request->body, request->body_size, &out->document, problem);
}

void native_request_fini(struct native_request *native)
{
    ltd_json_free(native->document);
    native->document = NULL;
}

struct job_submit native_request_submit(const struct native_request *native)
{
    return (struct job_submit){.key = native->key[0] ? native->key : NULL,
                               .fingerprint = native->fingerprint};
}

void native_request_applied(const struct native_request *native, bool waited, struct http_reply *reply)
{
    if (native->respond_async)
        http_reply_header(reply, "Preference-Applied", "respond-async");
    if (waited && native->wait_s >= 0)
        http_reply_header(reply, "Preference-Applied", "wait=%d", native->wait_s);
    if (native->says_handling)
        http_reply_header(reply, "Preference-Applied", "handling=%s",
                          native->context.lenient ? "lenient" : "strict");
}
