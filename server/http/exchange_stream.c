#include <string.h>
#include <sys/socket.h>

#include "http/httpd_private.h"
#include "util/clock.h"

enum { STREAM_BLOCK = 4096 };

static void drop_piece(struct exchange *x)
{
    blob_unref(x->piece);
    x->piece = NULL;
    x->piece_sent = 0;
}

/* Leaves a piece with something in it in x->piece, or none when the stream has nothing to say now, or has
 * ended. */
static void ask_for_piece(struct exchange *x)
{
    const struct http_stream *stream = &x->reply.stream;

    while (!x->piece && !x->stream_ended) {
        x->stream_ended = stream->next(stream->self, &x->piece) == HTTP_STREAM_END;
        if (!x->piece)
            break;
        if (blob_size(x->piece) == 0)
            drop_piece(x);
    }
    if (x->piece || x->stream_ended || stream->ping_s <= 0 ||
        clock_monotonic() - x->quiet_since < stream->ping_s)
        return;
    x->quiet_since = clock_monotonic();
    if (stream->ping)
        x->piece = stream->ping();
}

/* The library calls it again when it returns 0, at once; a suspended connection, when it is resumed. */
static ssize_t pull_piece(void *cls, uint64_t position, char *out, size_t room)
{
    struct exchange *x = cls;
    struct httpd *httpd = x->httpd;
    const double ping_s = x->reply.stream.ping_s;
    size_t bytes;

    (void)position;
    conn_table_resume(&httpd->conns, x->conn);
    if (wait_list_is_gone(&httpd->waits, &x->wait)) {
        /* Not the library's END_WITH_ERROR: 0.9.75 would keep the socket open until something happens on it,
         * and on one that it has taken out of its epoll set nothing ever does.  So the end is sent, in vain.
         */
        shutdown(conn_fd(x->conn), SHUT_RDWR);
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    if (!x->piece) {
        wait_list_listen(&httpd->waits, &x->wait);
        ask_for_piece(x);
    }
    if (!x->piece) {
        if (x->stream_ended || !exchange_park(x, ping_s > 0 ? x->quiet_since + ping_s : 0))
            return MHD_CONTENT_READER_END_OF_STREAM;
        return 0;
    }
    bytes = blob_size(x->piece) - x->piece_sent;
    bytes = bytes < room ? bytes : room;
    memcpy(out, (const char *)blob_data(x->piece) + x->piece_sent, bytes);
    x->piece_sent += bytes;
    x->sent += bytes;
    x->quiet_since = clock_monotonic();
    conn_table_moved(&httpd->conns, x->conn, bytes);
    if (x->piece_sent == blob_size(x->piece))
        drop_piece(x);
    return (ssize_t)bytes;
}

struct MHD_Response *exchange_new_stream(struct exchange *x)
{
    x->quiet_since = clock_monotonic();
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, pull_piece, x, NULL);
}
