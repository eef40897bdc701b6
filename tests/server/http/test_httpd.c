#include "http/httpd.h"

#include <arpa/inet.h>
#include <math.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "http/http_listen.h"
#include "util/clock.h"

enum { MAX_BODY = 64 * 1024, MANY = 40, GOT_SIZE = 256 * 1024 };

/* What the test's handlers do, and what they saw. */
static struct {
    struct httpd *httpd;
    struct log log;
    int listen_fd, port;
    atomic_int ready;  /* pieces that streams may give */
    atomic_int length; /* pieces of a stream */
    atomic_int piece_bytes;
    double ping_s;
    enum http_hangup on_hangup;
    atomic_bool go;       /* waiting handlers reply */
    double wait_s;        /* 0: without limit */
    atomic_int called;    /* handlers' calls on waiting routes */
    atomic_int closing;   /* of these with request->closing */
    atomic_int abandoned; /* calls of abandon */
    atomic_int freed;     /* streams */
    atomic_int done;
    atomic_ullong ticket; /* of the last request that waited or streamed */
    atomic_ullong gone;   /* the last ticket abandoned */
    atomic_int status;    /* of the last reply that was done */
    atomic_size_t sent;
    atomic_int family; /* of the last refusal */
    char cut[GOT_SIZE];
} app;

struct script {
    int given;
};

static enum http_stream_state next(void *self, struct blob **piece)
{
    struct script *script = self;
    const int bytes = atomic_load(&app.piece_bytes);
    char text[32];

    *piece = NULL;
    if (script->given == atomic_load(&app.length))
        return HTTP_STREAM_END;
    if (script->given >= atomic_load(&app.ready))
        return HTTP_STREAM_MORE;
    script->given++;
    if (bytes > 0) {
        *piece = blob_take(calloc(1, (size_t)bytes), (size_t)bytes);
    } else {
        snprintf(text, sizeof text, "piece %d.", script->given);
        *piece = blob_from_text(text);
    }
    return script->given == atomic_load(&app.length) ? HTTP_STREAM_END : HTTP_STREAM_MORE;
}

static void script_free(void *self)
{
    free(self);
    atomic_fetch_add(&app.freed, 1);
}

static struct blob *ping(void)
{
    return blob_from_text("ping.");
}

static enum http_next handle_stream(void *self, struct http_request *request, struct http_reply *reply)
{
    (void)self;
    snprintf(request->note, sizeof request->note, "note");
    atomic_store(&app.ticket, request->ticket);
    request->on_hangup = app.on_hangup;
    reply->status = 200;
    reply->content_type = "text/plain";
    reply->stream =
        (struct http_stream){calloc(1, sizeof(struct script)), next, script_free, ping, app.ping_s};
    return HTTP_STREAM;
}

static enum http_next handle_wait(void *self, struct http_request *request, struct http_reply *reply)
{
    (void)self;
    atomic_store(&app.ticket, request->ticket);
    atomic_fetch_add(&app.called, 1);
    atomic_fetch_add(&app.closing, request->closing);
    request->on_hangup = app.on_hangup;
    if (!atomic_load(&app.go) && !request->closing) {
        reply->wait_until = app.wait_s > 0 ? clock_monotonic() + app.wait_s : 0;
        return HTTP_WAIT;
    }
    http_reply_body(reply, request->resumed ? 200 : 202, "text/plain", blob_from_text("waited"));
    return HTTP_REPLY;
}

static enum http_next handle_body(void *self, struct http_request *request, struct http_reply *reply)
{
    char text[32];

    (void)self;
    snprintf(text, sizeof text, request->body ? "%zu bytes" : "none", request->body_size);
    http_reply_body(reply, 200, "text/plain", blob_from_text(text));
    return HTTP_REPLY;
}

static const struct http_route routes[] = {
    {FAMILY_NATIVE, "GET", "/stream", handle_stream, NULL, HTTP_NO_BODY, NULL},
    {FAMILY_NATIVE, "GET", "/wait", handle_wait, NULL, HTTP_NO_BODY, NULL},
    {FAMILY_NATIVE, "POST", "/json", handle_body, NULL, HTTP_JSON_BODY, NULL},
    {FAMILY_OPENAI, "POST", "/v1/form", handle_body, NULL, HTTP_FORM_BODY, NULL},
    {FAMILY_NATIVE, "POST", "/either", handle_body, NULL, HTTP_JSON_OR_FORM_BODY, NULL},
    {FAMILY_NATIVE, "POST", "/any", handle_body, NULL, HTTP_ANY_BODY, NULL},
    {FAMILY_NATIVE, "DELETE", "/any", handle_body, NULL, HTTP_NO_BODY, NULL},
};
static const struct http_prefix prefixes[] = {{"/v1/", FAMILY_OPENAI}, {"/sdapi/", FAMILY_A1111}};

static void refuse(void *self, const struct http_request *request, const struct http_refusal *refusal,
                   struct http_reply *reply)
{
    (void)self;
    atomic_store(&app.family, (int)request->family);
    if (refusal->allow[0])
        http_reply_header(reply, "Allow", "%s", refusal->allow);
    http_reply_body(reply, refusal->status, "text/plain", blob_from_text(refusal->detail));
}

static void abandon(void *self, const char *note, uint64_t ticket)
{
    (void)self, (void)note;
    atomic_store(&app.gone, ticket);
    atomic_fetch_add(&app.abandoned, 1);
}

static void done(void *self, const struct http_request *request, const struct http_route *route, int status,
                 double seconds, size_t sent)
{
    (void)self, (void)request, (void)route, (void)seconds;
    atomic_store(&app.status, status);
    atomic_store(&app.sent, sent);
    atomic_fetch_add(&app.done, 1);
}

static bool start(const char *const *origins, size_t origin_count)
{
    static const struct http_app http_app = {NULL,   routes,  COUNT(routes), prefixes, COUNT(prefixes),
                                             refuse, abandon, done};
    const struct listen_address address = {.host = "127.0.0.1"};
    struct httpd_config config = {.max_body = MAX_BODY,
                                  .connection_limit = 200,
                                  .cors_origins = origins,
                                  .cors_origin_count = origin_count};
    struct ltd_error error;

    memset(&app, 0, sizeof app);
    log_init(&app.log, -1, false);
    if (http_listen(&address, &app.listen_fd, &app.port, &error) != LTD_OK)
        return false;
    config.listen_fd = app.listen_fd;
    return httpd_open(&config, &http_app, &app.log, &app.httpd, &error) == LTD_OK;
}

static void stop(void)
{
    httpd_close(app.httpd, 2000);
    close(app.listen_fd);
}

static int dial(const char *request)
{
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct timeval patience = {.tv_sec = 5};
    const struct sockaddr_in name = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)app.port), .sin_addr = {htonl(INADDR_LOOPBACK)}};

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (const struct sockaddr *)&name, sizeof name) != 0)
        check_failed(__FILE__, __LINE__, "cannot connect");
    send(fd, request, strlen(request), MSG_NOSIGNAL);
    return fd;
}

/* Reads until what came ends with `end` (NULL: until the end of the connection); the whole is returned. */
static const char *read_to(int fd, const char *end)
{
    static char got[GOT_SIZE];
    size_t used = 0;

    got[0] = '\0';
    while (used + 1 < sizeof got &&
           !(end && used >= strlen(end) && strcmp(got + used - strlen(end), end) == 0)) {
        const ssize_t bytes = recv(fd, got + used, sizeof got - 1 - used, 0);

        if (bytes <= 0) {
            if (end || bytes < 0)
                check_failed(__FILE__, __LINE__, "the connection gave only: %s", got);
            break;
        }
        used += (size_t)bytes;
        got[used] = '\0';
    }
    return got;
}

static bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

/* Whether *value becomes `want` within two seconds. */
static bool becomes(const atomic_int *value, int want)
{
    const double end = clock_monotonic() + 2;

    while (atomic_load(value) != want && clock_monotonic() < end)
        usleep(1000);
    return atomic_load(value) == want;
}

static const char ask_stream[] = "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n";
static const char ask_wait[] = "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n";

TEST(a_stream_gives_each_piece_when_it_is_there_and_the_connection_lives_on)
{
    const char *got;
    int fd;

    REQUIRE(start(NULL, 0));
    atomic_store(&app.length, 3);
    fd = dial(ask_stream);
    got = read_to(fd, "\r\n\r\n"); /* the head does not wait for the first piece */
    CHECK(has(got, "HTTP/1.1 200 OK") && has(got, "Transfer-Encoding: chunked"));
    for (int i = 1; i < 3; i++) {
        char piece[32];

        snprintf(piece, sizeof piece, "8\r\npiece %d.\r\n", i);
        atomic_fetch_add(&app.ready, 1);
        httpd_wake(app.httpd, atomic_load(&app.ticket));
        CHECK_STR(read_to(fd, ".\r\n"), piece);
    }
    CHECK_INT(atomic_load(&app.freed), 0);
    atomic_fetch_add(&app.ready, 1);
    httpd_wake(app.httpd, atomic_load(&app.ticket));
    CHECK_STR(read_to(fd, "0\r\n\r\n"), "8\r\npiece 3.\r\n0\r\n\r\n");
    CHECK(becomes(&app.freed, 1));
    CHECK(becomes(&app.done, 1));
    CHECK_INT(atomic_load(&app.status), 200);
    CHECK_INT(atomic_load(&app.sent), 24);
    send(fd, ask_stream, strlen(ask_stream), 0);
    CHECK(has(read_to(fd, "0\r\n\r\n"), "piece 1."));
    CHECK(becomes(&app.freed, 2));
    CHECK_INT(atomic_load(&app.abandoned), 0);
    close(fd);
    stop();
}

TEST(a_piece_longer_than_the_librarys_buffer_arrives_whole)
{
    size_t zeros = 0;
    char data[4096];
    ssize_t bytes;
    int fd;

    REQUIRE(start(NULL, 0));
    atomic_store(&app.length, 2);
    atomic_store(&app.ready, 2);
    atomic_store(&app.piece_bytes, 1 << 20);
    fd = dial("GET /stream HTTP/1.0\r\n\r\n");
    while ((bytes = recv(fd, data, sizeof data, 0)) > 0)
        for (ssize_t i = 0; i < bytes; i++)
            zeros += data[i] == 0;
    CHECK_INT(zeros, 2 << 20);
    close(fd);
    stop();
}

TEST(to_HTTP_1_0_a_stream_is_what_comes_before_the_end_and_to_HEAD_nothing)
{
    const char *got;
    int fd;

    REQUIRE(start(NULL, 0));
    atomic_store(&app.length, 2);
    atomic_store(&app.ready, 2);
    fd = dial("GET /stream HTTP/1.0\r\n\r\n");
    got = read_to(fd, NULL);
    CHECK(has(got, "\r\n\r\npiece 1.piece 2.") && !has(got, "chunked"));
    close(fd);
    CHECK(becomes(&app.freed, 1));
    fd = dial("HEAD /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    got = read_to(fd, NULL);
    CHECK(has(got, "200 OK") && !has(got, "piece"));
    close(fd);
    CHECK(becomes(&app.freed, 2));
    CHECK_INT(atomic_load(&app.abandoned), 0);
    stop();
}

TEST(a_silent_stream_pings)
{
    int fd;

    REQUIRE(start(NULL, 0));
    atomic_store(&app.length, 1);
    app.ping_s = 0.15;
    fd = dial(ask_stream);
    read_to(fd, "\r\n\r\n");
    CHECK_STR(read_to(fd, "ping.\r\n"), "5\r\nping.\r\n");
    CHECK_STR(read_to(fd, "ping.\r\n"), "5\r\nping.\r\n");
    close(fd);
    stop();
}

TEST(the_client_of_a_silent_stream_is_told_of_once_or_not_at_all)
{
    for (int told = 0; told < 2; told++) {
        int fd;

        REQUIRE(start(NULL, 0));
        atomic_store(&app.length, 1);
        app.on_hangup = told ? HTTP_HANGUP_TELL : HTTP_HANGUP_IGNORE;
        fd = dial(ask_stream);
        read_to(fd, "\r\n\r\n");
        close(fd);
        CHECK(becomes(&app.freed, 1));
        CHECK_INT(atomic_load(&app.abandoned), told);
        CHECK(!told || atomic_load(&app.gone) == atomic_load(&app.ticket));
        stop();
        CHECK_INT(atomic_load(&app.freed), 1);
    }
}

TEST(the_client_of_a_busy_stream_is_told_of_once)
{
    int fd;

    REQUIRE(start(NULL, 0));
    atomic_store(&app.length, 1000);
    atomic_store(&app.ready, 1000);
    atomic_store(&app.piece_bytes, 1 << 20);
    fd = dial(ask_stream);
    read_to(fd, "\r\n\r\n");
    close(fd);
    CHECK(becomes(&app.freed, 1));
    CHECK_INT(atomic_load(&app.abandoned), 1);
    stop();
}

TEST(a_handler_waits_as_often_as_it_likes)
{
    int fd;

    REQUIRE(start(NULL, 0));
    fd = dial(ask_wait);
    for (int i = 1; i < 5; i++) {
        CHECK(becomes(&app.called, i));
        httpd_wake(app.httpd, atomic_load(&app.ticket));
    }
    CHECK(becomes(&app.called, 5));
    atomic_store(&app.go, true);
    httpd_wake(app.httpd, atomic_load(&app.ticket));
    CHECK(has(read_to(fd, "waited"), "200 OK"));
    close(fd);
    stop();
}

TEST(a_wait_ends_when_its_time_has_come)
{
    const double begin = clock_monotonic();
    int fd;

    REQUIRE(start(NULL, 0));
    app.wait_s = 0.3;
    fd = dial(ask_wait);
    CHECK(becomes(&app.called, 3));
    CHECK(clock_monotonic() - begin > 0.6);
    atomic_store(&app.go, true);
    read_to(fd, "waited");
    close(fd);
    stop();
}

TEST(a_client_that_hangs_up_in_its_second_wait_is_told_of)
{
    int fd;

    REQUIRE(start(NULL, 0));
    fd = dial(ask_wait);
    CHECK(becomes(&app.called, 1));
    httpd_wake(app.httpd, atomic_load(&app.ticket));
    CHECK(becomes(&app.called, 2));
    close(fd);
    CHECK(becomes(&app.abandoned, 1));
    CHECK(becomes(&app.done, 1));
    CHECK_INT(atomic_load(&app.status), 499);
    CHECK_INT(atomic_load(&app.called), 2);
    stop();
}

TEST(at_the_end_streams_end_whole_and_handlers_hear_that_they_may_not_wait)
{
    int fds[MANY];
    double begin;

    REQUIRE(start(NULL, 0));
    atomic_store(&app.length, 2);
    atomic_store(&app.ready, 1);
    for (int i = 0; i < MANY; i++)
        fds[i] = dial(i % 2 ? ask_wait : ask_stream);
    for (int i = 0; i < MANY; i += 2)
        read_to(fds[i], "piece 1.\r\n");
    CHECK(becomes(&app.called, MANY / 2));
    begin = clock_monotonic();
    stop();
    CHECK(clock_monotonic() - begin < 1);
    for (int i = 0; i < MANY; i++) {
        const char *got = read_to(fds[i], NULL);

        CHECK(has(got, i % 2 ? "200 OK" : "0\r\n\r\n"));
        close(fds[i]);
    }
    CHECK_INT(atomic_load(&app.freed), MANY / 2);
    CHECK_INT(atomic_load(&app.closing), MANY / 2);
    CHECK_INT(atomic_load(&app.abandoned), 0);
}

static void *wake_everybody(void *arg)
{
    const atomic_bool *over = arg;

    while (!atomic_load(over)) {
        atomic_fetch_add(&app.ready, 1);
        for (uint64_t ticket = 1; ticket <= atomic_load(&app.ticket); ticket++)
            httpd_wake(app.httpd, ticket);
    }
    return NULL;
}

TEST(wakes_hangups_and_the_end_may_meet_in_any_order)
{
    for (int round = 0; round < 5; round++) {
        pthread_t wakers[3];
        atomic_bool over = false;
        int fds[MANY];

        REQUIRE(start(NULL, 0));
        atomic_store(&app.length, 1 << 30);
        app.ping_s = 0.01;
        app.wait_s = 0.01;
        for (size_t i = 0; i < COUNT(wakers); i++)
            REQUIRE(pthread_create(&wakers[i], NULL, wake_everybody, &over) == 0);
        for (int i = 0; i < MANY; i++)
            fds[i] = dial(i % 3 ? ask_stream : ask_wait);
        for (int i = 0; i < MANY; i += 4)
            close(fds[i]);
        usleep(20000 * (useconds_t)round);
        atomic_store(&over, true);
        for (size_t i = 0; i < COUNT(wakers); i++)
            pthread_join(wakers[i], NULL);
        stop();
        for (int i = 0; i < MANY; i++)
            if (i % 4)
                close(fds[i]);
    }
}

/* The status of a POST of body under a content type (NULL: none). */
static int post(const char *path, const char *type, const char *body)
{
    char request[1024];
    int fd, status = 0;

    snprintf(request, sizeof request,
             "POST %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %zu\r\n%s%s%s\r\n%s", path,
             strlen(body), type ? "Content-Type: " : "", type ? type : "", type ? "\r\n" : "", body);
    fd = dial(request);
    sscanf(read_to(fd, NULL), "HTTP/1.1 %d", &status);
    close(fd);
    return status;
}

TEST(a_route_takes_the_bodies_that_it_says)
{
    static const struct {
        const char *path;
        int json, form, other, none;
    } rows[] = {
        {"/json", 200, 415, 415, 415},
        {"/v1/form", 415, 200, 415, 415},
        {"/either", 200, 200, 415, 415},
        {"/any", 200, 200, 200, 200},
    };

    REQUIRE(start(NULL, 0));
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK_INT(post(rows[i].path, "application/json; charset=utf-8", "{}"), rows[i].json);
        CHECK_INT(post(rows[i].path, "multipart/form-data; boundary=x", "--x--"), rows[i].form);
        CHECK_INT(post(rows[i].path, "text/plain", "x"), rows[i].other);
        CHECK_INT(post(rows[i].path, "application/x-www-form-urlencoded", "x"), rows[i].other);
        CHECK_INT(post(rows[i].path, NULL, ""), rows[i].none);
    }
    stop();
}

TEST(a_refusal_knows_the_family_by_route_or_by_path)
{
    static const struct {
        const char *path;
        enum http_family family;
    } rows[] = {
        {"/v1/form", FAMILY_OPENAI}, {"/v1/nothing", FAMILY_OPENAI}, {"/sdapi/x", FAMILY_A1111},
        {"/v1", FAMILY_NATIVE},      {"/json", FAMILY_NATIVE},
    };
    int fd;

    REQUIRE(start(NULL, 0));
    for (size_t i = 0; i < COUNT(rows); i++) {
        post(rows[i].path, "text/plain", "x");
        CHECK_INT(atomic_load(&app.family), rows[i].family);
    }
    atomic_store(&app.family, FAMILY_NATIVE);
    fd = dial("GET /v1/x HTTP/1.1\r\nHost: a,b\r\n\r\n"); /* no route is looked for */
    CHECK(has(read_to(fd, NULL), "HTTP/1.1 400 "));
    close(fd);
    CHECK(becomes(&app.family, FAMILY_OPENAI));
    stop();
}

TEST(a_body_that_is_declared_too_long_is_refused_and_the_client_hears_it)
{
    static char body[1 << 20];
    char head[128];
    int fd;

    REQUIRE(start(NULL, 0));
    snprintf(head, sizeof head, "POST /any HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", sizeof body);
    fd = dial(head);
    for (size_t at = 0; at < sizeof body; at += 4096)
        CHECK_INT(send(fd, body, 4096, MSG_NOSIGNAL), 4096);
    CHECK(has(read_to(fd, NULL), "HTTP/1.1 413 "));
    close(fd);
    CHECK(becomes(&app.done, 1));
    CHECK_INT(atomic_load(&app.status), 413);
    stop();
}

static const char *options(const char *path, const char *more)
{
    char request[512];
    int fd;

    snprintf(request, sizeof request, "OPTIONS %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s\r\n", path,
             more);
    fd = dial(request);
    snprintf(app.cut, sizeof app.cut, "%s", read_to(fd, NULL));
    close(fd);
    return app.cut;
}

#define PREFLIGHT(origin) "Origin: " origin "\r\nAccess-Control-Request-Method: POST\r\n"

TEST(options_tells_the_methods_and_to_allowed_origins_what_they_may_do)
{
    static const char *const origins[] = {"https://ui.example", "http://localhost:3000"};
    const char *got;

    REQUIRE(start(origins, COUNT(origins)));
    got = options("/any", "");
    CHECK(has(got, "HTTP/1.1 204 ") && has(got, "Allow: POST, DELETE, OPTIONS\r\n"));
    CHECK(has(got, "Vary: Origin\r\n") && !has(got, "Access-Control-Allow-Origin"));
    got = options("/any", PREFLIGHT("http://localhost:3000"));
    CHECK(has(got, "204") && has(got, "Access-Control-Allow-Origin: http://localhost:3000\r\n"));
    CHECK(has(got, "Access-Control-Allow-Methods: POST, DELETE, OPTIONS\r\n"));
    CHECK(has(got, "Access-Control-Allow-Headers: ") && has(got, "Access-Control-Max-Age: "));
    CHECK(!has(got, "Access-Control-Allow-Credentials"));
    got = options("/any", PREFLIGHT("https://ui.example.evil"));
    CHECK(has(got, "204") && !has(got, "Access-Control-Allow") && !has(got, "evil"));
    CHECK(has(options("/nothing", PREFLIGHT("https://ui.example")), "HTTP/1.1 404 "));
    stop();
    REQUIRE(start(NULL, 0));
    got = options("/any", PREFLIGHT("https://ui.example"));
    CHECK(has(got, "204") && !has(got, "Access-Control") && !has(got, "Vary"));
    stop();
}

static const char *get_json(const char *more)
{
    char request[512];
    int fd;

    snprintf(request, sizeof request,
             "POST /any HTTP/1.1\r\nHost: me:80\r\nConnection: close\r\nContent-Length: 0\r\n%s\r\n", more);
    fd = dial(request);
    snprintf(app.cut, sizeof app.cut, "%s", read_to(fd, NULL));
    close(fd);
    return app.cut;
}

TEST(replies_name_the_origin_that_the_list_has_and_foreign_pages_may_send_no_forms)
{
    static const char *const listed[] = {"https://ui.example"}, *const all[] = {"*"};
    const char *got;

    REQUIRE(start(listed, 1));
    got = get_json("Origin: https://ui.example\r\n");
    CHECK(has(got, "200 OK") && has(got, "Access-Control-Allow-Origin: https://ui.example\r\n"));
    CHECK(has(got, "Access-Control-Expose-Headers: ") && has(got, "X-Job-Id"));
    CHECK(has(get_json("Origin: https://evil.example\r\n"), "HTTP/1.1 403 "));
    CHECK(has(get_json("Origin: null\r\n"), "HTTP/1.1 403 "));
    CHECK(has(get_json("Origin: http://me:80\r\n"), "200 OK"));
    CHECK(has(get_json("Origin: https://a.example\r\nSec-Fetch-Site: same-origin\r\n"), "200 OK"));
    CHECK(has(get_json("Origin: https://a.example\r\nSec-Fetch-Site: cross-site\r\n"), "HTTP/1.1 403 "));
    CHECK(has(get_json("Origin: https://a.example\r\nContent-Type: application/json\r\n"), "200 OK"));
    CHECK(has(get_json(""), "200 OK"));
    stop();
    REQUIRE(start(all, 1));
    got = get_json("Origin: https://any.example\r\n");
    CHECK(has(got, "200 OK") && has(got, "Access-Control-Allow-Origin: *\r\n") && !has(got, "any.example"));
    CHECK(!has(got, "Vary"));
    stop();
}
