#include "http/http_guard.h"

#include "check.h"

static const char *const allowed[] = {"paint.example"};
static const struct http_guard loopback = {true, allowed, 1, "127.0.0.2"};

/* The status of the refusal of a request with these headers ("Name: value" pairs); 0: it passes. */
static int status_with(const char *version, const char *const *headers, size_t count)
{
    static struct http_request request;
    struct http_refusal refusal = {0};

    request = (struct http_request){.method = "POST", .version = version};
    for (size_t i = 0; i + 1 < count; i += 2)
        request.headers[request.header_count++] = (struct http_header){headers[i], headers[i + 1]};
    return http_guard_check(&loopback, &request, &refusal) ? 0 : refusal.status;
}

#define STATUS(version, ...) \
    status_with(version, (const char *const[]){__VA_ARGS__}, COUNT(((const char *const[]){__VA_ARGS__})))

TEST(a_length_is_decimal_and_alone)
{
    CHECK_INT(STATUS("HTTP/1.1", "Host", "localhost", "Content-Length", "12"), 0);
    CHECK_INT(STATUS("HTTP/1.1", "Host", "localhost", "Content-Length", "+12"), 400);
    CHECK_INT(STATUS("HTTP/1.1", "Host", "localhost", "Content-Length", ""), 400);
    CHECK_INT(STATUS("HTTP/1.1", "Host", "localhost", "Content-Length", "1", "content-length", "1"), 400);
    CHECK_INT(STATUS("HTTP/1.1", "Host", "localhost", "Content-Length", "1", "Transfer-Encoding", "chunked"),
              400);
}

TEST(chunked_is_the_only_coding)
{
    CHECK_INT(STATUS("HTTP/1.1", "Host", "localhost", "Transfer-Encoding", "chunked"), 0);
    CHECK_INT(STATUS("HTTP/1.1", "Host", "localhost", "Transfer-Encoding", "Chunked"), 0);
    CHECK_INT(STATUS("HTTP/1.1", "Host", "localhost", "Transfer-Encoding", "gzip, chunked"), 501);
    CHECK_INT(STATUS("HTTP/1.0", "Host", "localhost", "Transfer-Encoding", "chunked"), 400);
}

TEST(names_are_tokens_and_versions_are_known)
{
    CHECK_INT(STATUS("HTTP/1.1", "Host", "localhost", "X Y", "1"), 400);
    CHECK_INT(STATUS("HTTP/1.1", "Host", "localhost", "X\xe9", "1"), 400);
    CHECK_INT(STATUS("HTTP/1.1", "Host", "localhost", "", "1"), 400);
    CHECK_INT(STATUS("HTTP/1.1", "Host", "localhost", "X", "1\r2"), 400);
    CHECK_INT(STATUS("HTTP/1.1", "Host", "localhost", "X", "1\x7f"), 400);
    CHECK_INT(STATUS("HTTP/1.1", "Host", "localhost", "X", "1\t\xc3\xa9"), 0);
    CHECK_INT(STATUS("HTTP/2.0", "Host", "localhost"), 505);
    CHECK_INT(STATUS("http/1.1", "Host", "localhost"), 505);
}

TEST(hosts_of_this_machine_and_allowed_ones_pass_with_any_port)
{
    CHECK_INT(STATUS("HTTP/1.1", "Host", "127.0.0.2:7860"), 0);
    CHECK_INT(STATUS("HTTP/1.1", "Host", "127.0.0.3:7860"), 403);
    static const struct {
        const char *host;
        int status;
    } rows[] = {{"localhost", 0},
                {"LocalHost:7860", 0},
                {"127.0.0.1", 0},
                {"[::1]:1", 0},
                {"paint.example:80", 0},
                {"localhost.", 403},
                {"localhost.evil.example", 403},
                {"evil.example", 403},
                {"localhost:80:80", 403},
                {"localhost:x", 403},
                {"[::1", 400},
                {"a b", 400},
                {"", 400},
                {"user@localhost", 400}};

    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INT(STATUS("HTTP/1.1", "Host", rows[i].host), rows[i].status);
    CHECK_INT(STATUS("HTTP/1.1", "X-Other", "1"), 400);
    CHECK_INT(STATUS("HTTP/1.0", "X-Other", "1"), 0);
}

TEST(targets_are_plain_absolute_paths)
{
    static const struct {
        const char *target;
        const char *path, *query; /* NULL: refused */
    } rows[] = {{"/", "/", ""},
                {"/a/b-c_d.e~f", "/a/b-c_d.e~f", ""},
                {"/a?b=c%20d&e", "/a", "b=c%20d&e"},
                {"/a?b?c", "/a", "b?c"},
                {"", NULL, NULL},
                {"*", NULL, NULL},
                {"a", NULL, NULL},
                {"http://x/a", NULL, NULL},
                {"/a;b", NULL, NULL},
                {"/%2e", NULL, NULL},
                {"/a\\b", NULL, NULL},
                {"/\x01", NULL, NULL},
                {"/a?%00", NULL, NULL},
                {"/a?%0", NULL, NULL},
                {"/a?%zz", NULL, NULL},
                {"/a?\x80", NULL, NULL}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        char target[64];
        const char *path, *query;

        strcpy(target, rows[i].target);
        CHECK_INT(http_target_split(target, &path, &query), rows[i].path != NULL);
        if (rows[i].path) {
            CHECK_STR(path, rows[i].path);
            CHECK_STR(query, rows[i].query);
        }
    }
}
