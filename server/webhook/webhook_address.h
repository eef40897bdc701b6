/*
 * webhook_address.h - which network addresses a webhook may reach.
 */
#ifndef WEBHOOK_ADDRESS_H
#define WEBHOOK_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* Addresses of both families, an IPv4 address as ::ffff:a.b.c.d. */
struct address_range {
    uint8_t prefix[16];
    int bits; /* 0..128 of prefix that count */
};

/* Reads "10.0.0.0/8", "fd00::/8", "127.0.0.1" or "::1", the last also in brackets; false: it is none. */
bool address_range_parse(const char *text, struct address_range *out);

/* Whether an address lies in a range; of another family than IPv4 and IPv6: never. */
bool address_range_has(const struct address_range *range, const struct sockaddr *address);

/* Whether an address is one of the internet at large: not a private, shared, loopback, link-local, multicast,
 * documentation, translation or reserved one (IANA's special-purpose address registries, RFC 6890). */
bool address_is_public(const struct sockaddr *address);

#endif
