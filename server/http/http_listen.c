#include "http/http_listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024, SOCKET_TYPE = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC };

static bool is_abandoned(const struct sockaddr_un *name)
{
    struct stat info;
    int fd;
    bool refused;

    if (lstat(name->sun_path, &info) != 0 || !S_ISSOCK(info.st_mode))
        return false;
    fd = socket(AF_UNIX, SOCKET_TYPE, 0);
    if (fd < 0)
        return false;
    refused = connect(fd, (const struct sockaddr *)name, sizeof *name) != 0 && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

static enum ltd_status listen_unix(const struct listen_address *address, int *fd, struct ltd_error *err)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    const int made = socket(AF_UNIX, SOCKET_TYPE, 0);

    snprintf(name.sun_path, sizeof name.sun_path, "%s", address->path);
    if (is_abandoned(&name))
        unlink(name.sun_path);
    if (made < 0 || bind(made, (const struct sockaddr *)&name, sizeof name) != 0 ||
        listen(made, BACKLOG) != 0) {
        const int error = errno;

        if (made >= 0)
            close(made);
        return ltd_fail(err, LTD_EIO, "cannot listen on unix:%s: %s", address->path, strerror(error));
    }
    *fd = made;
    return LTD_OK;
}

static int bind_one(const struct addrinfo *found)
{
    const int yes = 1;
    const int made = socket(found->ai_family, SOCKET_TYPE, 0);
    int error;

    if (made < 0)
        return -1;
    setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(made, found->ai_addr, found->ai_addrlen) == 0 && listen(made, BACKLOG) == 0)
        return made;
    error = errno;
    close(made);
    errno = error;
    return -1;
}

static int bound_port(int fd)
{
    struct sockaddr_storage name = {0};
    socklen_t size = sizeof name;

    if (getsockname(fd, (struct sockaddr *)&name, &size) != 0)
        return 0;
    if (name.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&name)->sin6_port);
    return ntohs(((const struct sockaddr_in *)&name)->sin_port);
}

enum ltd_status http_listen(const struct listen_address *address, int *fd, int *port, struct ltd_error *err)
{
    const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char service[8];
    int made = -1, error;

    *port = 0;
    if (address->is_unix)
        return listen_unix(address, fd, err);
    snprintf(service, sizeof service, "%d", address->port);
    error = getaddrinfo(address->host, service, &wanted, &found);
    if (error != 0)
        return ltd_fail(err, LTD_ENOTFOUND, "cannot listen on %s: %s", address->host, gai_strerror(error));
    for (const struct addrinfo *each = found; each && made < 0; each = each->ai_next)
        made = bind_one(each);
    error = errno;
    freeaddrinfo(found);
    if (made < 0)
        return ltd_fail(err, LTD_EIO, "cannot listen on %s port %d: %s", address->host, address->port,
                        strerror(error));
    *fd = made;
    *port = bound_port(made);
    return LTD_OK;
}
