/*
 * listen_address.h - where the daemon listens: HOST:PORT or unix:PATH.
 */
#ifndef LISTEN_ADDRESS_H
#define LISTEN_ADDRESS_H

#include <stdbool.h>

struct listen_address {
    bool is_unix;
    char host[256]; /* a name or an address, IPv6 without its brackets; "" for a unix socket */
    int port;       /* 0..65535; 0: the system chooses */
    char path[108]; /* of a unix socket */
};

/* NULL when text is an address; else what is wrong with it (static storage), and *out is untouched.  Resolves
 * no names. */
const char *listen_address_parse(const char *text, struct listen_address *out);

/* Whether only this machine can reach it: a unix socket, "localhost", 127.0.0.0/8 or ::1. */
bool listen_address_is_loopback(const struct listen_address *address);

#endif
