#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "http/head_layout.h"
#include "http/http_cors.h"
#include "http/http_form.h"
#include "http/httpd_private.h"
#include "util/random_id.h"

static enum MHD_Result take_header(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct http_request *request = cls;

    (void)kind;
    if (request->header_count == HTTP_MAX_HEADERS)
        return MHD_NO;
    request->headers[request->header_count++] = (struct http_header){name, value ? value : ""};
    return MHD_YES;
}

static void name_request(struct http_request *request)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    const char *given = http_request_header(request, "X-Request-Id");
    const size_t length = given ? strlen(given) : 0;
    char made[RANDOM_ID_SIZE];

    if (length > 0 && length < sizeof request->request_id && strspn(given, allowed) == length)
        memcpy(request->request_id, given, length + 1);
    else if (random_id_make(made))
        snprintf(request->request_id, sizeof request->request_id, "%.16s", made);
}

/* What a path without a route would be for; the target is still whole. */
static enum http_family family_of(const struct http_app *app, const char *target)
{
    for (size_t i = 0; i < app->prefix_count; i++)
        if (strncmp(target, app->prefixes[i].path, strlen(app->prefixes[i].path)) == 0)
            return app->prefixes[i].family;
    return FAMILY_NATIVE;
}

static bool check_type(const struct exchange *x, struct http_refusal *refusal)
{
    const enum http_body body = x->route->body;
    const bool json = http_request_type_is(&x->request, "application/json");
    const bool form = http_form_is_sent(&x->request);
    const char *hint = "";

    if (body == HTTP_NO_BODY || body == HTTP_ANY_BODY)
        return true;
    if ((json && body != HTTP_FORM_BODY) || (form && body != HTTP_JSON_BODY))
        return true;
    if (body == HTTP_FORM_BODY)
        return http_refuse(refusal, 415, "content_type",
                           "send a form with Content-Type: multipart/form-data (curl does with --form)");
    if (form || http_request_type_is(&x->request, "application/x-www-form-urlencoded"))
        hint = " (curl does with --json)";
    return http_refuse(refusal, 415, "content_type", "send JSON with Content-Type: application/json%s%s",
                       hint, body == HTTP_JSON_OR_FORM_BODY ? ", or a form as multipart/form-data" : "");
}

static bool check_body(const struct exchange *x, struct http_refusal *refusal)
{
    const char *coding = http_request_header(&x->request, "Content-Encoding");
    const size_t max = x->httpd->config.max_body;
    unsigned long long length;

    if (http_guard_has_body(&x->request, &length) && length > max)
        return http_refuse(refusal, 413, "body_too_large", "the body may have %zu bytes, not %llu", max,
                           length);
    if (coding && strcasecmp(coding, "identity") != 0)
        return http_refuse(refusal, 415, "content_encoding", "send the body without Content-Encoding");
    return check_type(x, refusal);
}

static bool check_layout(const struct exchange *x, struct http_refusal *refusal)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

    if (!x->httpd->parses_in_place ||
        head_layout_is_plain(x->request.method, info->header_size, &x->request, strlen(x->target)))
        return true;
    return http_refuse(refusal, 400, "bad_head",
                       "the head has a bare line feed, a folded line, a zero byte or a line without a name");
}

static bool check_query(const struct exchange *x, struct http_refusal *refusal)
{
    enum { SHOWN = 64 };
    const char *known = x->route->query, *name;
    size_t length;

    name = known ? http_request_query_unknown(&x->request, known, &length) : NULL;
    return !name || http_refuse(refusal, 400, "bad_query", "there is no query parameter \"%.*s\" here%s%s",
                                (int)(length < SHOWN ? length : SHOWN), name, *known ? ", only " : "", known);
}

/* What must be right for anybody to know where this request ends. */
static bool check_framing(struct exchange *x, struct http_refusal *refusal)
{
    refusal->close = true;
    if (MHD_get_connection_values(x->connection, MHD_HEADER_KIND, take_header, &x->request) < 0 ||
        x->request.header_count == HTTP_MAX_HEADERS)
        return http_refuse(refusal, 431, "too_many_headers", "at most %d headers", HTTP_MAX_HEADERS - 1);
    name_request(&x->request);
    return check_layout(x, refusal) && http_guard_check(&x->httpd->config.guard, &x->request, refusal);
}

/* OPTIONS is answered for every path that has a route. */
static void answer_options(struct exchange *x, const struct http_refusal *refusal)
{
    struct http_reply *reply = &x->reply;

    reply->status = 204;
    http_reply_header(reply, "Allow", "%s", refusal->allow);
    if (!http_cors_is_preflight(&x->request) || !http_cors_allows(&x->httpd->cors, &x->request))
        return;
    http_reply_header(reply, "Access-Control-Allow-Methods", "%s", refusal->allow);
    http_reply_header(reply, "Access-Control-Allow-Headers", "%s", http_cors_accepted);
    http_reply_header(reply, "Access-Control-Max-Age", "600");
}

bool exchange_admit(struct exchange *x)
{
    const struct http_app *app = x->httpd->app;
    struct http_refusal refusal = {0};

    x->request.family = family_of(app, x->target);
    if (!check_framing(x, &refusal))
        goto refuse;
    refusal.close = false;
    if (!http_target_split(x->target, &x->request.path, &x->request.query)) {
        http_refuse(&refusal, 400, "bad_target", "the target has bytes that no path of this server has");
        goto refuse;
    }
    x->route = http_route_find(app->routes, app->route_count, &x->request, &refusal);
    if (!x->route && refusal.allow[0] && strcmp(x->request.method, "OPTIONS") == 0) {
        answer_options(x, &refusal);
        return false;
    }
    if (!x->route || !http_cors_check(&x->httpd->cors, &x->request, &refusal) || !check_query(x, &refusal) ||
        !check_body(x, &refusal))
        goto refuse;
    return !x->route->admit || x->route->admit(app->self, &x->request, &x->reply);

refuse:
    app->refuse(app->self, &x->request, &refusal, &x->reply);
    x->reply.close |= refusal.close;
    x->unframed = refusal.close;
    return false;
}
