/*
 * http_message.h - a request as handlers see it, and the reply they fill.
 *
 * Nothing here knows the HTTP library.
 */
#ifndef HTTP_MESSAGE_H
#define HTTP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/blob.h"

enum {
    HTTP_MAX_PARAMS = 2,
    HTTP_MAX_HEADERS = 100,
    HTTP_MAX_REPLY_HEADERS = 24,
    HTTP_NOTE_SIZE = 40,
    HTTP_REQUEST_ID_SIZE = 65
};

struct httpd;

/* Whose clients a path is for, and so in which form its errors are told. */
enum http_family { FAMILY_NATIVE, FAMILY_OPENAI, FAMILY_A1111 };
const char *http_family_name(enum http_family family); /* "native", "openai", "a1111" */

/* Whether app->abandon is to be called when the client of a waiting or streaming request goes away; its
 * connection ends in either case. */
enum http_hangup { HTTP_HANGUP_TELL, HTTP_HANGUP_IGNORE };

struct http_header {
    const char *name, *value;
};

struct http_param {
    const char *text; /* not ended by a zero: size bytes of the path */
    size_t size;
};

/* Everything is borrowed from the connection until the request is completed. */
struct http_request {
    const char *method, *version;
    const char *path;  /* of the raw target, before '?': letters, digits and ._~/- alone */
    const char *query; /* after '?', still escaped; "" when there is none */
    struct http_header headers[HTTP_MAX_HEADERS];
    size_t header_count;
    struct http_param params[HTTP_MAX_PARAMS]; /* what stood for each {name} of the route's pattern */
    const char *body;                          /* NULL when there is none; not ended by a zero */
    size_t body_size;
    enum http_family family;               /* the route's; before there is one, told from the path's start */
    char request_id[HTTP_REQUEST_ID_SIZE]; /* the client's X-Request-Id, or one made here */
    struct httpd *httpd;                   /* for httpd_wake */
    uint64_t ticket; /* never used twice; httpd_wake(httpd, ticket) wakes a handler that waits, or a stream */
    bool resumed;    /* the handler has waited, and has been woken, or its time has come */
    bool at_desk;    /* the handler runs where it may take its time */
    double began;    /* clock_monotonic at its first line */
    bool closing;    /* the server ends: there is no waiting any more */
    enum http_hangup on_hangup; /* the handler's to set before it waits or streams */
    char note[HTTP_NOTE_SIZE];  /* the handler's own, kept while it waits; the log shows it as the job's id */
    unsigned own;               /* the handler's own, too, and of no meaning to anybody else */
};

/* The first header of that name, in any case; NULL when there is none. */
const char *http_request_header(const struct http_request *request, const char *name);

/* Whether the Content-Type is `type`, whatever its parameters. */
bool http_request_type_is(const struct http_request *request, const char *type);

/* Copies the value of a query parameter, unescaped, to value (cut to size bytes with its end), "" for a name
 * alone; false when it is absent. */
bool http_request_query(const struct http_request *request, const char *name, char *value, size_t size);

/* The first query parameter whose name is none of `known`, names with a space between two (NULL: with any),
 * still escaped, and its length; NULL when there is none. */
const char *http_request_query_unknown(const struct http_request *request, const char *known, size_t *length);

/* Copies param number `index` to text; false when it does not fit with its end. */
bool http_request_param(const struct http_request *request, size_t index, char *text, size_t size);

/* Whether the client says that it wants type ("image/png") rather than other ("application/json"), which is
 * taken when both suit equally; -1 when it wants neither, else 0 for other and 1 for type (RFC 9110 12.5.1).
 */
int http_request_prefers(const struct http_request *request, const char *type, const char *other);

struct http_reply_header {
    char name[32];
    char value[256];
};

enum http_stream_state { HTTP_STREAM_MORE, HTTP_STREAM_END };

/* A reply that comes piece by piece.  Everything is called on the HTTP thread and must be quick. */
struct http_stream {
    void *self; /* first argument of next and free */
    /* Writes the next piece, a reference that passes to the caller, or NULL when there is nothing now: then
     * it is called again after httpd_wake(ticket), or after ping_s.  END: nothing follows this piece. */
    enum http_stream_state (*next)(void *self, struct blob **piece);
    void (*free)(void *self); /* once, when the reply has ended, however it ended; NULL: nothing to free */
    /* What goes out when nothing else has for ping_s, so that proxies keep the connection; NULL: nothing. The
     * reference passes to the caller. */
    struct blob *(*ping)(void);
    double ping_s; /* 0: never */
};

struct http_reply {
    int status;
    const char *content_type;  /* static storage; NULL without a body */
    struct blob *body;         /* one reference; NULL: no body */
    struct http_stream stream; /* of HTTP_STREAM */
    double wait_until;         /* of HTTP_WAIT: clock_monotonic when it ends at the latest; 0: no limit */
    struct http_reply_header headers[HTTP_MAX_REPLY_HEADERS];
    size_t header_count;
    bool close; /* the connection ends with this reply */
};

void http_reply_fini(struct http_reply *reply); /* also ends the stream */

/* Adds a header from a printf format.  Bytes that do not belong into a header are written as '?'; what is too
 * long is cut. */
void http_reply_header(struct http_reply *reply, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Takes body, also NULL (no memory was left for it), which makes the reply an empty 503. */
void http_reply_body(struct http_reply *reply, int status, const char *content_type, struct blob *body);

/* Why a request is refused before any handler sees it. */
struct http_refusal {
    int status;
    const char *code; /* stable word, static storage */
    char detail[256];
    char allow[64]; /* of a 405: the methods that the path knows */
    bool close;     /* the framing cannot be trusted any more */
};

/* Fills *refusal from a printf format and returns false, so that a check can `return http_refuse(...)`. */
bool http_refuse(struct http_refusal *refusal, int status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
