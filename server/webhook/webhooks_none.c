/* In place of all that needs libcurl, in a build without it. */
#include <stdio.h>

#include "webhook/webhooks.h"

static const char none[] = "this build of the server has no webhooks: it was made without libcurl";

const char *delivery_state_name(enum delivery_state state)
{
    (void)state;
    return "";
}

enum ltd_status webhooks_open(const struct webhooks_config *config, struct log *log, struct webhooks **out,
                              struct ltd_error *err)
{
    (void)config, (void)log, (void)out;
    return ltd_fail(err, LTD_EUNSUPPORTED, "%s", none);
}

void webhooks_observe(struct webhooks *webhooks, struct jobs *jobs)
{
    (void)webhooks, (void)jobs;
}

bool webhooks_take(const struct webhooks *webhooks, const char *url, char *why, size_t size)
{
    (void)webhooks, (void)url;
    snprintf(why, size, "%s", none);
    return false;
}

size_t webhooks_of_job(struct webhooks *webhooks, const char *job, struct delivery *out, size_t room)
{
    (void)webhooks, (void)job, (void)out, (void)room;
    return 0;
}

enum ltd_status webhooks_test(struct webhooks *webhooks, const char *url, struct blob *body,
                              const struct job_notify *notify, char id[RANDOM_ID_SIZE], struct ltd_error *err)
{
    (void)webhooks, (void)url, (void)body, (void)notify, (void)id;
    return ltd_fail(err, LTD_EINVAL, "%s", none);
}

bool webhooks_get(struct webhooks *webhooks, const char *id, struct delivery *out)
{
    (void)webhooks, (void)id, (void)out;
    return false;
}

struct webhook_counts webhooks_count(struct webhooks *webhooks)
{
    (void)webhooks;
    return (struct webhook_counts){0};
}

void webhooks_stop(struct webhooks *webhooks, double seconds)
{
    (void)webhooks, (void)seconds;
}

void webhooks_close(struct webhooks *webhooks)
{
    (void)webhooks;
}
