#include "webhook/webhook_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "util/parse_number.h"

/* The parts of the two address spaces that are not public.  Of IPv6, only 2000::/3 has been given out; what
 * lies outside of it (::1, fc00::/7, fe80::/10, 64:ff9b::/96, ...) needs no row. */
static const char *const special[] = {
    "0.0.0.0/8",     "10.0.0.0/8",      "100.64.0.0/10",  "127.0.0.0/8",    "169.254.0.0/16",
    "172.16.0.0/12", "192.0.0.0/24",    "192.0.2.0/24",   "192.88.99.0/24", "192.168.0.0/16",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",    "240.0.0.0/4",
    "2001::/23",     "2001:db8::/32",   "2002::/16",      "3fff::/20",
};

static const struct address_range given_out = {{0x20}, 3};

enum { MAPPED_BITS = 96 };
static const uint8_t mapped[MAPPED_BITS / 8] = {[10] = 0xff, [11] = 0xff};

static void map(uint8_t out[16], const struct in_addr *address)
{
    memcpy(out, mapped, sizeof mapped);
    memcpy(out + sizeof mapped, address, sizeof *address);
}

static bool to_bytes(const struct sockaddr *address, uint8_t out[16])
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (address->sa_family == AF_INET) {
        memcpy(&v4, address, sizeof v4);
        map(out, &v4.sin_addr);
        return true;
    }
    if (address->sa_family != AF_INET6)
        return false;
    memcpy(&v6, address, sizeof v6);
    memcpy(out, &v6.sin6_addr, 16);
    return true;
}

/* An address without its brackets and its "/bits". */
static bool parse_address(const char *text, size_t length, struct address_range *out)
{
    char copy[INET6_ADDRSTRLEN];
    struct in_addr v4;

    if (length > 2 && text[0] == '[' && text[length - 1] == ']') {
        text++;
        length -= 2;
    }
    if (length >= sizeof copy)
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    out->bits = 128;
    if (inet_pton(AF_INET, copy, &v4) != 1)
        return inet_pton(AF_INET6, copy, out->prefix) == 1;
    map(out->prefix, &v4);
    return true;
}

bool address_range_parse(const char *text, struct address_range *out)
{
    const char *slash = strchr(text, '/');
    const size_t length = slash ? (size_t)(slash - text) : strlen(text);
    const bool is_v6 = memchr(text, ':', length) != NULL;
    const int most = is_v6 ? 128 : 32;
    int64_t bits;

    if (!parse_address(text, length, out))
        return false;
    if (!slash)
        return true;
    if (!parse_int64(slash + 1, &bits) || bits < 0 || bits > most)
        return false;
    out->bits = (int)bits + (128 - most);
    return true;
}

static bool has_bytes(const struct address_range *range, const uint8_t bytes[16])
{
    const size_t whole = (size_t)range->bits / 8;
    const int rest = range->bits % 8;

    return memcmp(range->prefix, bytes, whole) == 0 &&
           (rest == 0 || (range->prefix[whole] ^ bytes[whole]) >> (8 - rest) == 0);
}

bool address_range_has(const struct address_range *range, const struct sockaddr *address)
{
    uint8_t bytes[16];

    return to_bytes(address, bytes) && has_bytes(range, bytes);
}

bool address_is_public(const struct sockaddr *address)
{
    struct address_range range;
    uint8_t bytes[16];

    if (!to_bytes(address, bytes))
        return false;
    if (memcmp(bytes, mapped, sizeof mapped) != 0 && !has_bytes(&given_out, bytes))
        return false;
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++)
        if (!address_range_parse(special[i], &range) || has_bytes(&range, bytes))
            return false;
    return true;
}
