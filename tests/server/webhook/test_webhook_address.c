#include "webhook/webhook_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "check.h"

/* The address in text; the family alone when it is none. */
static const struct sockaddr *address(const char *text)
{
    static struct sockaddr_storage storage;
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    memset(&storage, 0, sizeof storage);
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        memcpy(&storage, &v4, sizeof v4);
    else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
        memcpy(&storage, &v6, sizeof v6);
    return (const struct sockaddr *)&storage;
}

TEST(private_and_special_addresses_are_not_public)
{
    static const char *const rows[] = {"0.0.0.0",
                                       "0.1.2.3",
                                       "10.0.0.1",
                                       "10.255.255.255",
                                       "100.64.0.1",
                                       "100.127.255.255",
                                       "127.0.0.1",
                                       "127.255.255.254",
                                       "169.254.169.254",
                                       "172.16.0.1",
                                       "172.31.255.255",
                                       "192.0.0.8",
                                       "192.0.2.1",
                                       "192.88.99.1",
                                       "192.168.0.1",
                                       "198.18.0.1",
                                       "198.19.255.255",
                                       "198.51.100.7",
                                       "203.0.113.9",
                                       "224.0.0.1",
                                       "239.255.255.255",
                                       "240.0.0.1",
                                       "255.255.255.255",
                                       "::",
                                       "::1",
                                       "::ffff:127.0.0.1",
                                       "::ffff:10.0.0.1",
                                       "::ffff:169.254.169.254",
                                       "::127.0.0.1",
                                       "64:ff9b::a00:1",
                                       "64:ff9b:1::1",
                                       "100::1",
                                       "2001::1",
                                       "2001:db8::1",
                                       "2001:10::1",
                                       "2002:7f00:1::1",
                                       "2002:a00:1::",
                                       "3fff::1",
                                       "fc00::1",
                                       "fd12:3456::1",
                                       "fe80::1",
                                       "fec0::1",
                                       "ff02::1",
                                       "5f00::1"};

    for (size_t i = 0; i < COUNT(rows); i++)
        if (address_is_public(address(rows[i])))
            check_failed(__FILE__, __LINE__, "%s is public", rows[i]);
    CHECK(!address_is_public(address("neither")));
}

TEST(addresses_of_the_internet_are_public)
{
    static const char *const rows[] = {
        "1.1.1.1",        "9.255.255.255",        "11.0.0.0",        "100.63.255.255",
        "100.128.0.0",    "126.255.255.255",      "128.0.0.0",       "169.253.255.255",
        "172.15.255.255", "172.32.0.0",           "192.167.255.255", "192.169.0.0",
        "198.17.255.255", "198.20.0.0",           "223.255.255.255", "::ffff:8.8.8.8",
        "2600::1",        "2001:4860:4860::8888", "2003::1",         "2a00:1450::1"};

    for (size_t i = 0; i < COUNT(rows); i++)
        if (!address_is_public(address(rows[i])))
            check_failed(__FILE__, __LINE__, "%s is not public", rows[i]);
}

TEST(ranges_have_their_first_and_last_address_and_no_other)
{
    static const struct {
        const char *range, *in[2], *out[2];
    } rows[] = {{"10.0.0.0/8", {"10.0.0.0", "10.255.255.255"}, {"9.255.255.255", "11.0.0.0"}},
                {"192.168.1.128/25", {"192.168.1.128", "192.168.1.255"}, {"192.168.1.127", "192.168.2.0"}},
                {"127.0.0.1", {"127.0.0.1", "::ffff:127.0.0.1"}, {"127.0.0.2", "::1"}},
                {"::1", {"::1", "::1"}, {"::2", "127.0.0.1"}},
                {"[fd00::5]", {"fd00::5", "fd00::5"}, {"fd00::4", "fd00::6"}},
                {"fc00::/7", {"fc00::", "fdff::1"}, {"fb00::", "fe00::"}},
                {"0.0.0.0/0", {"0.0.0.0", "255.255.255.255"}, {"::1", "2600::1"}},
                {"::/0", {"::", "8.8.8.8"}, {NULL, NULL}}};
    struct address_range range;

    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK(address_range_parse(rows[i].range, &range));
        for (size_t k = 0; k < 2; k++) {
            if (!address_range_has(&range, address(rows[i].in[k])))
                check_failed(__FILE__, __LINE__, "%s lacks %s", rows[i].range, rows[i].in[k]);
            if (rows[i].out[k] && address_range_has(&range, address(rows[i].out[k])))
                check_failed(__FILE__, __LINE__, "%s has %s", rows[i].range, rows[i].out[k]);
        }
    }
}

TEST(what_is_no_range_is_refused)
{
    static const char *const rows[] = {"",
                                       "/",
                                       "10.0.0.0/",
                                       "10.0.0.0/33",
                                       "10.0.0.0/-1",
                                       "10.0.0.0/8/8",
                                       "10.0.0",
                                       "0x7f.1",
                                       "2130706433",
                                       "::1/129",
                                       "[::1",
                                       "::1]",
                                       "[]",
                                       "localhost",
                                       "10.0.0.0/8 ",
                                       "fe80::1%eth0",
                                       "1.2.3.4.5",
                                       "[10.0.0.0/8]",
                                       "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"};
    struct address_range range;

    for (size_t i = 0; i < COUNT(rows); i++)
        if (address_range_parse(rows[i], &range))
            check_failed(__FILE__, __LINE__, "\"%s\" is taken", rows[i]);
}
