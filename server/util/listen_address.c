#include "util/listen_address.h"

#include "util/parse_number.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

static const char *parse_unix(const char *path, struct listen_address *out)
{
    struct listen_address parsed = {.is_unix = true};

    if (*path == '\0')
        return "unix: wants a path after it";
    if (strlen(path) >= sizeof parsed.path)
        return "the path of a unix socket has at most 107 bytes";
    memcpy(parsed.path, path, strlen(path) + 1);
    *out = parsed;
    return NULL;
}

const char *listen_address_parse(const char *text, struct listen_address *out)
{
    struct listen_address parsed = {0};
    const char *colon = strrchr(text, ':'), *host = text;
    size_t length;
    uint64_t port;

    if (strncmp(text, "unix:", 5) == 0)
        return parse_unix(text + 5, out);
    if (!colon || colon == text)
        return "it is not HOST:PORT or unix:PATH";
    length = (size_t)(colon - text);
    if (text[0] == '[' && colon[-1] == ']') {
        host++;
        length -= 2;
    } else if (memchr(text, ':', length)) {
        return "an IPv6 address stands in brackets: [::1]:7860";
    }
    if (length == 0 || length >= sizeof parsed.host)
        return "the host is empty or too long";
    if (!parse_uint64(colon + 1, &port) || port > 65535)
        return "the port is not a number from 0 to 65535";
    memcpy(parsed.host, host, length);
    parsed.port = (int)port;
    *out = parsed;
    return NULL;
}

bool listen_address_is_loopback(const struct listen_address *address)
{
    struct in_addr v4;
    struct in6_addr v6;

    if (address->is_unix || strcasecmp(address->host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, address->host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, address->host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}
