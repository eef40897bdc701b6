#include "http/head_layout.h"

#include "check.h"

/* "GET /a HTTP/1.1", two headers, as the library leaves them. */
static const char plain[] =
    "GET\0/a\0HTTP/1.1\0\0Host\0 localhost\0\0X\0\0\0\0"; /* and the literal's own zero */

enum { PLAIN_SIZE = sizeof plain };

static bool check(const char *head, size_t size, size_t target_length)
{
    struct http_request request = {.method = head, .version = head + 7, .header_count = 2};

    request.headers[0] = (struct http_header){head + 17, head + 23};
    request.headers[1] = (struct http_header){head + 34, head + 36};
    return head_layout_is_plain(head, size, &request, target_length);
}

TEST(a_plain_head_passes)
{
    CHECK(check(plain, PLAIN_SIZE, 2));
}

TEST(what_is_left_over_or_missing_is_found)
{
    char changed[PLAIN_SIZE + 1] = {0};

    CHECK(!check(plain, PLAIN_SIZE - 1, 2));
    CHECK(!check(plain, PLAIN_SIZE, 1)); /* a zero byte cut the target */
    memcpy(changed, plain, PLAIN_SIZE);
    CHECK(!check(changed, PLAIN_SIZE + 1, 2));
    for (size_t i = 17; i < PLAIN_SIZE; i++) {
        memcpy(changed, plain, PLAIN_SIZE);
        if (changed[i] != '\0' && changed[i] != ' ')
            continue;
        changed[i] = 'x';
        CHECK(!check(changed, PLAIN_SIZE, 2));
    }
    memcpy(changed, plain, PLAIN_SIZE);
    changed[28] = '\0'; /* a zero byte inside a value */
    CHECK(!check(changed, PLAIN_SIZE, 2));
}
