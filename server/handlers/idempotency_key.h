/*
 * idempotency_key.h - the header by which a client says that a request is the same as one before.
 */
#ifndef IDEMPOTENCY_KEY_H
#define IDEMPOTENCY_KEY_H

#include <stdbool.h>

#include "api/problem.h"
#include "http/http_message.h"
#include "store/job_request.h"

enum { IDEMPOTENCY_KEY_SIZE = 256 + 16 }; /* with the name of a family before it, and its end */

/* Writes the request's key for struct job_submit, "native:KEY", or "" when it has none.  It is a string of
 * RFC 8941 or bare.  False: it is neither, and *problem says so (400). */
bool idempotency_key_read(const struct http_request *request, enum job_family family,
                          char key[IDEMPOTENCY_KEY_SIZE], struct problem *problem);

/* What a submission that failed means: a key that another request had is the client's mistake, 422. */
void idempotency_key_conflict(const char key[IDEMPOTENCY_KEY_SIZE], struct problem *problem);

#endif
