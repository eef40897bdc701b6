#include "http/desk.h"

#include <stddef.h>

static struct desk_item *take(struct desk *desk)
{
    struct desk_item *item;

    pthread_mutex_lock(&desk->lock);
    while (!desk->first && !desk->stop)
        pthread_cond_wait(&desk->brought, &desk->lock);
    item = desk->first;
    if (item)
        desk->first = item->next;
    pthread_mutex_unlock(&desk->lock);
    return item;
}

static void *serve_desk(void *arg)
{
    struct desk_item *item;

    while ((item = take(arg)) != NULL)
        item->run(item);
    return NULL;
}

bool desk_open(struct desk *desk)
{
    *desk = (struct desk){0};
    pthread_mutex_init(&desk->lock, NULL);
    pthread_cond_init(&desk->brought, NULL);
    if (pthread_create(&desk->thread, NULL, serve_desk, desk) == 0)
        return true;
    pthread_cond_destroy(&desk->brought);
    pthread_mutex_destroy(&desk->lock);
    return false;
}

void desk_close(struct desk *desk)
{
    pthread_mutex_lock(&desk->lock);
    desk->stop = true;
    pthread_cond_signal(&desk->brought);
    pthread_mutex_unlock(&desk->lock);
    pthread_join(desk->thread, NULL);
    pthread_cond_destroy(&desk->brought);
    pthread_mutex_destroy(&desk->lock);
}

void desk_bring(struct desk *desk, struct desk_item *item)
{
    item->next = NULL;
    pthread_mutex_lock(&desk->lock);
    if (desk->first)
        desk->last->next = item;
    else
        desk->first = item;
    desk->last = item;
    pthread_cond_signal(&desk->brought);
    pthread_mutex_unlock(&desk->lock);
}
