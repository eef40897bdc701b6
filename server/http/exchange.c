#include "http/httpd_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "http/head_layout.h"
#include "util/clock.h"
#include "util/random_id.h"

enum {
    AFTER_LAST_WORD = 1024 * 1024, /* bytes of a body that are still read when the last word is out */
    FIRST_ROOM = 16 * 1024,
    SMALL_ROOM = 64 * 1024 /* of a body that is taken however many large ones are held */
};

static struct conn *conn_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

void *exchange_begin(void *cls, const char *target, struct MHD_Connection *connection)
{
    struct exchange *x = calloc(1, sizeof *x);

    if (!x)
        return NULL;
    x->httpd = x->request.httpd = cls;
    x->connection = connection;
    x->conn = conn_of(connection);
    x->target = strdup(target);
    x->start = clock_monotonic();
    if (x->conn && x->target)
        return x;
    free(x->target);
    free(x);
    return NULL;
}

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

static bool type_is_json(const char *type)
{
    static const char json[] = "application/json";
    const size_t length = strcspn(type, "; \t");

    return length == strlen(json) && strncasecmp(type, json, length) == 0;
}

static bool check_body(const struct exchange *x, struct http_refusal *refusal)
{
    const char *coding = http_request_header(&x->request, "Content-Encoding");
    const char *type = http_request_header(&x->request, "Content-Type");
    const size_t max = x->httpd->config.max_body;
    unsigned long long length;

    refusal->close = false;
    if (http_guard_has_body(&x->request, &length) && length > max)
        return http_refuse(refusal, 413, "body_too_large", "the body may have %zu bytes, not %llu", max,
                           length);
    if (coding && strcasecmp(coding, "identity") != 0)
        return http_refuse(refusal, 415, "content_encoding", "send the body without Content-Encoding");
    if (x->route->body != HTTP_JSON_BODY || (type && type_is_json(type)))
        return true;
    if (type && strncasecmp(type, "application/x-www-form-urlencoded", 33) == 0)
        return http_refuse(refusal, 415, "content_type",
                           "send JSON with Content-Type: application/json (curl does with --json)");
    return http_refuse(refusal, 415, "content_type", "send JSON with Content-Type: application/json");
}

static bool check_layout(const struct exchange *x, struct http_refusal *refusal)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

    if (!x->httpd->parses_in_place ||
        head_layout_is_plain(x->request.method, info->header_size, &x->request, strlen(x->target)))
        return true;
    refusal->close = true;
    return http_refuse(refusal, 400, "bad_head",
                       "the head has a bare line feed, a folded line, a zero byte or a line without a name");
}

/* Everything that can be told from the head.  False: x->reply is the refusal. */
static bool admit(struct exchange *x)
{
    const struct http_app *app = x->httpd->app;
    struct http_refusal refusal = {0};

    if (MHD_get_connection_values(x->connection, MHD_HEADER_KIND, take_header, &x->request) < 0 ||
        x->request.header_count == HTTP_MAX_HEADERS) {
        refusal.close = true;
        http_refuse(&refusal, 431, "too_many_headers", "at most %d headers", HTTP_MAX_HEADERS - 1);
        goto refuse;
    }
    name_request(&x->request);
    if (!check_layout(x, &refusal) || !http_guard_check(&x->httpd->config.guard, &x->request, &refusal))
        goto refuse;
    if (!http_target_split(x->target, &x->request.path, &x->request.query)) {
        http_refuse(&refusal, 400, "bad_target", "the target has bytes that no path of this server has");
        goto refuse;
    }
    refusal.close = false;
    x->route = http_route_find(app->routes, app->route_count, &x->request, &refusal);
    if (!x->route || !check_body(x, &refusal))
        goto refuse;
    return !x->route->admit || x->route->admit(app->self, &x->request, &x->reply);

refuse:
    app->refuse(app->self, &x->request, &refusal, &x->reply);
    x->reply.close |= refusal.close;
    return false;
}

static bool expects_continue(const struct http_request *request)
{
    return http_request_header(request, "Expect") != NULL;
}

static enum MHD_Result begin(struct exchange *x, const char *method, const char *version)
{
    unsigned long long length;
    bool has_body;

    snprintf(x->method, sizeof x->method, "%s", method);
    x->request.method = method;
    x->request.version = version;
    x->request.path = x->request.query = "";
    conn_table_enter(&x->httpd->conns, x->conn, CONN_BODY);
    if (admit(x)) {
        x->state = EXCHANGE_RECEIVING;
        return MHD_YES;
    }
    has_body = http_guard_has_body(&x->request, &length);
    /* A reply that is queued before the body has been read makes the library end the connection, and what the
     * client still sends then resets it, so that the reply may be lost.  A body that may not be that long, or
     * that its client holds back, is not waited for. */
    if (x->reply.close || (has_body && (length > x->httpd->config.max_body || expects_continue(&x->request))))
        return exchange_send(x);
    x->state = EXCHANGE_REFUSED;
    return MHD_YES;
}

/* The library takes no reply in the middle of a body, so this one is written past it; nothing else has been
 * written for this request.  What the client still sends is read, so that the words reach it. */
static void say_last_word(struct exchange *x, int status, const char *reason, const char *code,
                          const char *detail)
{
    char body[320], text[640];
    int length;

    snprintf(body, sizeof body,
             "{\"title\":\"%s\",\"status\":%d,\"code\":\"%s\",\"detail\":\"%s\",\"request_id\":\"%s\"}",
             reason, status, code, detail, x->request.request_id);
    length = snprintf(
        text, sizeof text,
        "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Type: application/problem+json\r\n"
        "Content-Length: %zu\r\n%sX-Content-Type-Options: nosniff\r\nX-Request-Id: %s\r\n\r\n%s",
        status, reason, strlen(body), status == 503 ? "Retry-After: 1\r\n" : "", x->request.request_id, body);
    (void)send(conn_fd(x->conn), text, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(conn_fd(x->conn), SHUT_WR);
    x->state = EXCHANGE_CUT;
    x->logged_status = status;
}

void exchange_free_body(struct exchange *x)
{
    free(x->body);
    x->body = NULL;
    x->httpd->body_bytes -= x->body_room;
    x->body_room = 0;
}

static bool make_room(struct exchange *x, size_t needed)
{
    const size_t max = x->httpd->config.max_body;
    size_t room = x->body_room ? x->body_room : FIRST_ROOM;
    char *body;

    if (needed <= x->body_room)
        return true;
    while (room < needed)
        room *= 2; /* needed is at most max_body, 1 GiB */
    room = room > max ? max : room;
    if (room > SMALL_ROOM && x->httpd->body_bytes - x->body_room + room > 4 * max)
        return false;
    body = realloc(x->body, room);
    if (!body)
        return false;
    x->httpd->body_bytes += room - x->body_room;
    x->body = body;
    x->body_room = room;
    return true;
}

static enum MHD_Result receive(struct exchange *x, const char *data, size_t *size)
{
    const size_t bytes = *size, max = x->httpd->config.max_body;

    *size = 0;
    conn_table_moved(&x->httpd->conns, x->conn, bytes);
    if (x->state == EXCHANGE_CUT) {
        x->body_seen += bytes;
        return x->body_seen <= max + AFTER_LAST_WORD ? MHD_YES : MHD_NO;
    }
    if (bytes > max - x->body_seen) {
        say_last_word(x, 413, "Content Too Large", "body_too_large",
                      "the body is longer than this server takes");
        exchange_free_body(x);
    } else if (x->state == EXCHANGE_RECEIVING && x->route->body == HTTP_JSON_BODY) {
        if (make_room(x, x->body_seen + bytes)) {
            memcpy(x->body + x->body_seen, data, bytes);
        } else {
            say_last_word(x, 503, "Service Unavailable", "no_memory",
                          "other bodies take all the room there is; try again");
            exchange_free_body(x);
        }
    }
    x->body_seen += bytes;
    return MHD_YES;
}

enum MHD_Result exchange_handle(void *cls, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *data, size_t *size,
                                void **context)
{
    struct exchange *x = *context;

    (void)cls, (void)connection, (void)url;
    if (!x)
        return MHD_NO;
    if (x->state == EXCHANGE_NEW)
        return begin(x, method, version);
    if (*size > 0)
        return receive(x, data, size);
    if (x->state == EXCHANGE_CUT)
        return MHD_NO;
    if (x->state == EXCHANGE_ANSWERED)
        return MHD_YES;
    return x->state == EXCHANGE_REFUSED ? exchange_send(x) : exchange_run(x);
}

static void log_exchange(const struct exchange *x)
{
    char status[16], ms[24], received[24];
    const struct http_request *r = &x->request;

    snprintf(status, sizeof status, "%d", x->logged_status);
    snprintf(ms, sizeof ms, "%.1f", (clock_monotonic() - x->start) * 1e3);
    snprintf(received, sizeof received, "%zu", x->body_seen);
    log_event(x->httpd->log, LOG_INFO, "request",
              (struct log_field[]){{"id", r->request_id, true},
                                   {"method", x->method, true},
                                   {"path", r->path, true},
                                   {"status", status, false},
                                   {"ms", ms, false},
                                   {"received", received, false},
                                   {"job", r->note[0] ? r->note : NULL, true}},
              7);
}

void exchange_end(void *cls, struct MHD_Connection *connection, void **context,
                  enum MHD_RequestTerminationCode why)
{
    struct exchange *x = *context;

    (void)cls, (void)connection, (void)why;
    if (!x)
        return;
    exchange_stop_waiting(x);
    if (x->method[0])
        log_exchange(x);
    exchange_free_body(x);
    http_reply_fini(&x->reply);
    conn_table_enter(&x->httpd->conns, x->conn, CONN_IDLE);
    free(x->target);
    free(x);
    *context = NULL;
}
