#include "http/http_cors.h"

#include "check.h"

TEST(an_origin_is_what_browsers_send)
{
    static const char *const good[] = {"*",
                                       "https://ui.example",
                                       "http://localhost:3000",
                                       "http://[::1]:8080",
                                       "app://obsidian.md",
                                       "chrome-extension://abcdef"};
    static const char *const bad[] = {"",
                                      "ui.example",
                                      "https://",
                                      "https://ui.example/",
                                      "https://UI.example",
                                      "HTTPS://ui.example",
                                      "https://*.example",
                                      "null",
                                      "**",
                                      "://a",
                                      "https://a b",
                                      "https://a,https://b"};

    for (size_t i = 0; i < COUNT(good); i++)
        CHECK(http_cors_is_origin(good[i]));
    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK(!http_cors_is_origin(bad[i]));
}

TEST(an_origin_is_allowed_by_the_lists_own_text)
{
    static const char *const items[] = {"https://a.example", "https://b.example"};
    const struct http_cors cors = {items, COUNT(items)}, none = {NULL, 0};
    struct http_request request = {
        .method = "GET", .headers = {{"origin", "https://b.example"}}, .header_count = 1};

    CHECK(http_cors_allows(&cors, &request) == items[1]);
    CHECK(http_cors_allows(&none, &request) == NULL);
    request.headers[0].value = "https://B.example";
    CHECK(http_cors_allows(&cors, &request) == NULL);
    request.headers[0].value = "*";
    CHECK(http_cors_allows(&cors, &request) == NULL);
}
