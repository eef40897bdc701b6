#include "webhook_receiver.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/clock.h"

/* Reads a head and as much body as its Content-Length says. */
static void read_request(int fd, char *out)
{
    size_t size = 0, want = RECEIVER_SIZE - 1;
    ssize_t got;

    while (size < want && (got = read(fd, out + size, want - size)) > 0) {
        const char *end, *length;

        size += (size_t)got;
        out[size] = '\0';
        end = strstr(out, "\r\n\r\n");
        length = strcasestr(out, "\ncontent-length:");
        if (end)
            want = (size_t)(end + 4 - out) + (length ? strtoul(length + 16, NULL, 10) : 0);
        if (want > RECEIVER_SIZE - 1)
            want = RECEIVER_SIZE - 1;
    }
    out[size] = '\0';
}

static void *receive_all(void *arg)
{
    struct webhook_receiver *receiver = arg;
    char request[RECEIVER_SIZE];
    int fd;

    while ((fd = accept(receiver->fd, NULL, NULL)) >= 0) {
        const char *answer;

        read_request(fd, request);
        pthread_mutex_lock(&receiver->lock);
        if (request[0] && receiver->count < RECEIVER_MOST)
            memcpy(receiver->requests[receiver->count++], request, sizeof request);
        answer = receiver->answer;
        pthread_mutex_unlock(&receiver->lock);
        while (receiver->hang && read(fd, request, sizeof request) > 0)
            ;
        if (answer && write(fd, answer, strlen(answer)) < 0)
            break;
        close(fd);
    }
    return NULL;
}

bool receiver_open(struct webhook_receiver *receiver, const char *answer)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;

    *receiver =
        (struct webhook_receiver){.answer = answer, .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    pthread_mutex_init(&receiver->lock, NULL);
    if (receiver->fd < 0 || bind(receiver->fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(receiver->fd, 16) != 0 || getsockname(receiver->fd, (struct sockaddr *)&address, &length) != 0)
        return false;
    receiver->port = ntohs(address.sin_port);
    return pthread_create(&receiver->thread, NULL, receive_all, receiver) == 0;
}

void receiver_close(struct webhook_receiver *receiver)
{
    shutdown(receiver->fd, SHUT_RDWR);
    pthread_join(receiver->thread, NULL);
    close(receiver->fd);
    pthread_mutex_destroy(&receiver->lock);
}

void receiver_answer(struct webhook_receiver *receiver, const char *answer)
{
    pthread_mutex_lock(&receiver->lock);
    receiver->answer = answer;
    pthread_mutex_unlock(&receiver->lock);
}

size_t receiver_wait(struct webhook_receiver *receiver, size_t count)
{
    const double end = clock_monotonic() + 20;
    size_t have;

    do {
        usleep(1000);
        pthread_mutex_lock(&receiver->lock);
        have = receiver->count;
        pthread_mutex_unlock(&receiver->lock);
    } while (have < count && clock_monotonic() < end);
    return have;
}
