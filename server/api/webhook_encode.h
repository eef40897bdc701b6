/*
 * webhook_encode.h - the bodies of webhooks.
 */
#ifndef WEBHOOK_ENCODE_H
#define WEBHOOK_ENCODE_H

#include "jobs/model_set.h"
#include "store/job.h"
#include "util/blob.h"

/* {"type": "job.succeeded", "timestamp": ..., "data": the job as GET tells it, without the bytes of its
 * pictures}; NULL without memory. */
struct blob *webhook_encode(const struct model_set *models, enum webhook_event event,
                            const struct job_record *job);

/* The same of no job, with the type "webhook.test". */
struct blob *webhook_encode_test(void);

#endif
