#include "util/listen_address.h"

#include "check.h"

TEST(host_and_port_are_taken_apart)
{
    static const struct {
        const char *text, *host;
        int port;
    } rows[] = {{"127.0.0.1:7860", "127.0.0.1", 7860},
                {"localhost:0", "localhost", 0},
                {"[::1]:80", "::1", 80},
                {"0.0.0.0:65535", "0.0.0.0", 65535}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct listen_address address;

        CHECK(!listen_address_parse(rows[i].text, &address));
        CHECK(!address.is_unix);
        CHECK_STR(address.host, rows[i].host);
        CHECK_INT(address.port, rows[i].port);
    }
}

TEST(unix_takes_the_rest_as_a_path)
{
    struct listen_address address;

    CHECK(!listen_address_parse("unix:/run/a:b.sock", &address));
    CHECK(address.is_unix);
    CHECK_STR(address.path, "/run/a:b.sock");
}

TEST(what_is_not_an_address_is_refused_with_a_reason)
{
    static const char *const wrong[] = {
        "",         "7860",     "localhost", ":80",   "host:", "host:http", "host:65536", "host:-1",
        "host: 80", "host:80 ", "::1:80",    "[]:80", "unix:", "host:0x50", "[::1]"};
    char text[400];
    struct listen_address address = {.port = -7};

    for (size_t i = 0; i < COUNT(wrong); i++)
        if (!listen_address_parse(wrong[i], &address))
            check_failed(__FILE__, __LINE__, "\"%s\" was taken", wrong[i]);
    memset(text, 'a', sizeof text);
    memcpy(text + sizeof text - 4, ":80", 4);
    CHECK(listen_address_parse(text, &address));
    memcpy(text, "unix:", 5);
    CHECK(listen_address_parse(text, &address));
    CHECK_INT(address.port, -7);
}

TEST(loopback_is_told_from_the_rest)
{
    static const struct {
        const char *text;
        bool loopback;
    } rows[] = {{"127.0.0.1:1", true},    {"127.8.8.8:1", true},
                {"[::1]:1", true},        {"LocalHost:1", true},
                {"unix:x", true},         {"0.0.0.0:1", false},
                {"[::]:1", false},        {"10.0.0.1:1", false},
                {"example.org:1", false}, {"localhost.example.org:1", false}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct listen_address address;

        REQUIRE(!listen_address_parse(rows[i].text, &address));
        if (listen_address_is_loopback(&address) != rows[i].loopback)
            check_failed(__FILE__, __LINE__, "%s", rows[i].text);
    }
}
