/*
 * webhook_receiver.h - a server on a free port that notes what it is sent and answers what it is told.
 */
#ifndef WEBHOOK_RECEIVER_H
#define WEBHOOK_RECEIVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

enum { RECEIVER_MOST = 16, RECEIVER_SIZE = 8192 };

struct webhook_receiver {
    int fd, port;
    const char *answer; /* the whole reply; NULL: the connection ends without one */
    bool hang;          /* connections are taken, and nothing is said */
    pthread_t thread;
    pthread_mutex_t lock; /* guards all below, and answer */
    size_t count;
    char requests[RECEIVER_MOST][RECEIVER_SIZE]; /* [count], whole, each ended by a zero */
};

bool receiver_open(struct webhook_receiver *receiver, const char *answer);
void receiver_close(struct webhook_receiver *receiver);
void receiver_answer(struct webhook_receiver *receiver, const char *answer);
/* Waits until `count` requests came; how many did. */
size_t receiver_wait(struct webhook_receiver *receiver, size_t count);

#endif
