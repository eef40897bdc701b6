/*
 * http_listen.h - the socket the daemon listens on.
 */
#ifndef HTTP_LISTEN_H
#define HTTP_LISTEN_H

#include <latentd/error.h>

#include "util/listen_address.h"

/* Binds and listens.  A socket file that a dead daemon left behind is replaced; one that answers is not, and
 * neither is any other file.  *fd is the caller's, *port the port that was bound (0 for a unix socket).
 * Errors: LTD_EIO with what the system said, LTD_ENOTFOUND a host name that does not resolve. */
LTD_MUST_USE enum ltd_status http_listen(const struct listen_address *address, int *fd, int *port,
                                         struct ltd_error *err);

#endif
