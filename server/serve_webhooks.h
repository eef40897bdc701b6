/*
 * serve_webhooks.h - the daemon's webhooks, as its options want them.
 */
#ifndef SERVE_WEBHOOKS_H
#define SERVE_WEBHOOKS_H

#include <stdbool.h>
#include <stddef.h>

#include "jobs/jobs.h"
#include "jobs/model_set.h"
#include "options/options.h"
#include "util/log.h"
#include "webhook/webhooks.h"

/* Starts them, and leaves *out alone when no secret is set: they are off.  The exit code; what is wrong
 * stands in the log.  Borrows everything until webhooks_close. */
int serve_webhooks(const struct options *options, const struct model_set *models, struct jobs *jobs,
                   struct log *log, struct webhooks **out);

/* A request_webhook_fn; arg is the struct webhooks, or NULL. */
bool serve_take_webhook(const void *arg, const char *url, char *why, size_t size);

#endif
