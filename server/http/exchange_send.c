#include "http/httpd_private.h"

#include <stdlib.h>
#include <string.h>

enum { SEND_BLOCK = 64 * 1024 };

/* What the library pulls a body from.  It lives on the response, which dies with the request. */
struct sender {
    struct conn_table *conns;
    struct conn *conn;
    struct blob *body;
};

static ssize_t pull(void *cls, uint64_t position, char *out, size_t room)
{
    struct sender *sender = cls;
    const size_t left = blob_size(sender->body) - (size_t)position;
    const size_t bytes = left < room ? left : room;

    memcpy(out, (const char *)blob_data(sender->body) + position, bytes);
    conn_table_moved(sender->conns, sender->conn, bytes);
    return (ssize_t)bytes;
}

static void sender_free(void *cls)
{
    struct sender *sender = cls;

    blob_unref(sender->body);
    free(sender);
}

static struct MHD_Response *new_response(struct exchange *x)
{
    struct blob *body = x->reply.body;
    struct MHD_Response *response;
    struct sender *sender;

    if (!body || blob_size(body) == 0)
        return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    sender = malloc(sizeof *sender);
    if (!sender)
        return NULL;
    *sender = (struct sender){&x->httpd->conns, x->conn, blob_ref(body)};
    response = MHD_create_response_from_callback(blob_size(body), SEND_BLOCK, pull, sender, sender_free);
    if (!response)
        sender_free(sender);
    return response;
}

static void add_headers(struct MHD_Response *response, const struct exchange *x)
{
    const struct http_reply *reply = &x->reply;

    MHD_add_response_header(response, "X-Request-Id", x->request.request_id);
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (reply->content_type)
        MHD_add_response_header(response, "Content-Type", reply->content_type);
    if (reply->close)
        MHD_add_response_header(response, "Connection", "close");
    for (size_t i = 0; i < reply->header_count; i++)
        MHD_add_response_header(response, reply->headers[i].name, reply->headers[i].value);
}

enum MHD_Result exchange_send(struct exchange *x)
{
    struct MHD_Response *response = new_response(x);
    enum MHD_Result queued;

    if (!response)
        return MHD_NO;
    add_headers(response, x);
    conn_table_enter(&x->httpd->conns, x->conn, CONN_SEND);
    queued = MHD_queue_response(x->connection, (unsigned)x->reply.status, response);
    MHD_destroy_response(response);
    x->state = EXCHANGE_ANSWERED;
    x->logged_status = x->reply.status;
    return queued;
}
