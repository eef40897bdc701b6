#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "http/http_cors.h"
#include "http/httpd_private.h"

enum { SEND_BLOCK = 64 * 1024, LAST_WORD_SIZE = 16 * 1024 };

/* Gives the library the next bytes of the body, which is kept until exchange_end. */
static ssize_t pull(void *cls, uint64_t position, char *out, size_t room)
{
    struct exchange *x = cls;
    const size_t left = blob_size(x->reply.body) - (size_t)position;
    const size_t bytes = left < room ? left : room;

    memcpy(out, (const char *)blob_data(x->reply.body) + position, bytes);
    x->sent += bytes;
    conn_table_moved(&x->httpd->conns, x->conn, bytes);
    return (ssize_t)bytes;
}

static struct MHD_Response *new_response(struct exchange *x)
{
    const size_t size = x->reply.body ? blob_size(x->reply.body) : 0;

    if (x->reply.stream.next)
        return exchange_new_stream(x);
    if (size == 0)
        return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    return MHD_create_response_from_callback(size, size < SEND_BLOCK ? size : SEND_BLOCK, pull, x, NULL);
}

typedef void put_header_fn(void *to, const char *name, const char *value);

/* Every header that is not the library's own. */
static void put_headers(const struct exchange *x, put_header_fn *put, void *to)
{
    const struct http_cors *cors = &x->httpd->cors;
    const struct http_reply *reply = &x->reply;
    const char *origin = http_cors_allows(cors, &x->request);

    put(to, "X-Request-Id", x->request.request_id);
    put(to, "X-Content-Type-Options", "nosniff");
    if (origin) {
        put(to, "Access-Control-Allow-Origin", origin);
        put(to, "Access-Control-Expose-Headers", http_cors_exposed);
    }
    if (http_cors_varies(cors))
        put(to, "Vary", "Origin");
    if (reply->content_type)
        put(to, "Content-Type", reply->content_type);
    if (reply->close)
        put(to, "Connection", "close");
    for (size_t i = 0; i < reply->header_count; i++)
        put(to, reply->headers[i].name, reply->headers[i].value);
}

static void put_on_response(void *response, const char *name, const char *value)
{
    MHD_add_response_header(response, name, value);
}

enum MHD_Result exchange_send(struct exchange *x)
{
    struct MHD_Response *response = new_response(x);
    enum MHD_Result queued;

    if (!response)
        return MHD_NO;
    put_headers(x, put_on_response, response);
    x->state = x->reply.stream.next ? EXCHANGE_STREAMING : EXCHANGE_ANSWERED;
    conn_table_enter(&x->httpd->conns, x->conn, x->state == EXCHANGE_STREAMING ? CONN_STREAM : CONN_SEND);
    x->logged_status = x->reply.status;
    queued = MHD_queue_response(x->connection, (unsigned)x->reply.status, response);
    MHD_destroy_response(response);
    return queued;
}

struct last_word {
    char text[LAST_WORD_SIZE];
    size_t used;
};

__attribute__((format(printf, 2, 3))) static void add(struct last_word *word, const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(word->text + word->used, sizeof word->text - word->used, format, arguments);
    va_end(arguments);
    if (length > 0 && (size_t)length < sizeof word->text - word->used)
        word->used += (size_t)length;
}

static void put_in_word(void *word, const char *name, const char *value)
{
    add(word, "%s: %s\r\n", name, value);
}

void exchange_say_last_word(struct exchange *x)
{
    const struct blob *body = x->reply.body;
    const size_t size = body ? blob_size(body) : 0;
    const unsigned status = (unsigned)x->reply.status;
    struct last_word word = {.used = 0};

    x->reply.close = true;
    add(&word, "HTTP/1.1 %u %s\r\nContent-Length: %zu\r\n", status, MHD_get_reason_phrase_for(status), size);
    put_headers(x, put_in_word, &word);
    add(&word, "\r\n");
    if (size > 0)
        add(&word, "%.*s", (int)size, (const char *)blob_data(body));
    (void)send(conn_fd(x->conn), word.text, word.used, MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(conn_fd(x->conn), SHUT_WR);
    x->sent = size;
    x->state = EXCHANGE_CUT;
    x->logged_status = x->reply.status;
}
