#include "commands/commands.h"

#include "util/exit_code.h"
#include "util/listen_address.h"

#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* A socket whose reads and writes give up after five seconds, or -1. */
static int new_socket(int family)
{
    const struct timeval limit = {.tv_sec = 5};
    const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0 ||
                    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

static int connect_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int fd = new_socket(AF_UNIX);

    memcpy(address.sun_path, path, strlen(path) + 1);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int connect_tcp(const char *host, int port)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char service[8];
    int fd = -1;

    snprintf(service, sizeof service, "%d", port);
    if (getaddrinfo(host, service, &hints, &found) != 0)
        return -1;
    for (struct addrinfo *at = found; at && fd < 0; at = at->ai_next) {
        fd = new_socket(at->ai_family);
        if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) != 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(found);
    return fd;
}

/* Whether the first line of the answer says 200. */
static bool answers_200(int fd)
{
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    static const char wanted[] = "HTTP/1.1 200";
    char answer[sizeof wanted - 1];
    size_t have = 0;

    if (send(fd, request, sizeof request - 1, MSG_NOSIGNAL) != (ssize_t)sizeof request - 1)
        return false;
    while (have < sizeof answer) {
        const ssize_t got = recv(fd, answer + have, sizeof answer - have, 0);

        if (got <= 0)
            return false;
        have += (size_t)got;
    }
    return memcmp(answer, wanted, sizeof answer) == 0;
}

int cmd_healthcheck(const struct options *options)
{
    struct listen_address address = {0};
    bool healthy;
    int fd;

    if (listen_address_parse(options->listen, &address) != NULL)
        return EXIT_CODE_USAGE;
    /* The wildcard addresses are listened on, not called. */
    if (strcmp(address.host, "0.0.0.0") == 0 || strcmp(address.host, "::") == 0)
        strcpy(address.host, address.host[0] == ':' ? "::1" : "127.0.0.1");
    fd = address.is_unix ? connect_unix(address.path) : connect_tcp(address.host, address.port);
    healthy = fd >= 0 && answers_200(fd);
    if (fd >= 0)
        close(fd);
    if (!healthy)
        fprintf(stderr, "latentd: no healthy daemon at %s\n", options->listen);
    return healthy ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
}
