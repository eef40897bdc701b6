#include "http/httpd_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/clock.h"

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
    x->start = x->request.began = clock_monotonic();
    if (x->conn && x->target)
        return x;
    free(x->target);
    free(x);
    return NULL;
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
    if (exchange_admit(x)) {
        x->state = EXCHANGE_RECEIVING;
        return MHD_YES;
    }
    has_body = http_guard_has_body(&x->request, &length);
    /* A reply that is queued before the body has been read makes the library end the connection, and what the
     * client still sends then resets it, so that the reply may be lost.  So the body is read first, but for
     * one of which nobody knows where it ends, or that its client holds back; one that is too long is read,
     * to some length, after the reply. */
    if (x->unframed || (has_body && expects_continue(&x->request)))
        return exchange_send(x);
    x->state = EXCHANGE_REFUSED;
    if (has_body && length > x->httpd->config.max_body)
        exchange_say_last_word(x);
    return MHD_YES;
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

/* Refuses the request in the middle of its body. */
static void give_up(struct exchange *x, int status, const char *code, const char *why)
{
    const struct http_app *app = x->httpd->app;
    struct http_refusal refusal = {0};

    http_refuse(&refusal, status, code, "%s", why);
    http_reply_fini(&x->reply);
    app->refuse(app->self, &x->request, &refusal, &x->reply);
    exchange_say_last_word(x);
    exchange_free_body(x);
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
        give_up(x, 413, "body_too_large", "the body is longer than this server takes");
    } else if (x->state == EXCHANGE_RECEIVING && x->route->body != HTTP_NO_BODY) {
        if (make_room(x, x->body_seen + bytes))
            memcpy(x->body + x->body_seen, data, bytes);
        else
            give_up(x, 503, "no_memory", "other bodies take all the room there is; try again");
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

static void log_exchange(const struct exchange *x, double seconds, bool cut)
{
    char status[16], ms[24], received[24], sent[24];
    const struct http_request *r = &x->request;

    snprintf(status, sizeof status, "%d", x->logged_status);
    snprintf(ms, sizeof ms, "%.1f", seconds * 1e3);
    snprintf(received, sizeof received, "%zu", x->body_seen);
    snprintf(sent, sizeof sent, "%zu", x->sent);
    log_event(x->httpd->log, LOG_INFO, "request",
              (struct log_field[]){{"id", r->request_id, true},
                                   {"family", http_family_name(r->family), true},
                                   {"method", x->method, true},
                                   {"path", r->path, true},
                                   {"route", x->route ? x->route->pattern : NULL, true},
                                   {"status", status, false},
                                   {"ms", ms, false},
                                   {"received", received, false},
                                   {"sent", sent, false},
                                   {"cut", cut ? "true" : NULL, false},
                                   {"job", r->note[0] ? r->note : NULL, true}},
              11);
}

/* The client of a stream has gone, and nobody has told yet. */
static void abandon_stream(struct exchange *x)
{
    const struct http_app *app = x->httpd->app;

    if (x->request.on_hangup == HTTP_HANGUP_TELL && !wait_list_is_gone(&x->httpd->waits, &x->wait))
        app->abandon(app->self, x->request.note, x->request.ticket);
}

void exchange_end(void *cls, struct MHD_Connection *connection, void **context,
                  enum MHD_RequestTerminationCode why)
{
    struct exchange *x = *context;
    const bool cut = why != MHD_REQUEST_TERMINATED_COMPLETED_OK;
    const struct http_app *app;
    double seconds;

    (void)cls, (void)connection;
    if (!x)
        return;
    app = x->httpd->app;
    seconds = clock_monotonic() - x->start;
    if (x->state == EXCHANGE_STREAMING && cut && !x->stream_ended)
        abandon_stream(x);
    exchange_stop_waiting(x);
    if (x->method[0]) {
        x->request.method = x->method;
        x->request.header_count = 0; /* they went with the library's buffer */
        log_exchange(x, seconds, cut && x->state == EXCHANGE_STREAMING);
        if (app->done)
            app->done(app->self, &x->request, x->route, x->logged_status, seconds, x->sent);
    }
    exchange_free_body(x);
    http_reply_fini(&x->reply);
    blob_unref(x->piece);
    conn_table_enter(&x->httpd->conns, x->conn, CONN_IDLE);
    free(x->target);
    free(x);
    *context = NULL;
}
