/*
 * webhook_signature.h - signatures as Standard Webhooks has them (standardwebhooks.com, symmetric).
 */
#ifndef WEBHOOK_SIGNATURE_H
#define WEBHOOK_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WEBHOOK_MAX_SECRETS = 8,
    WEBHOOK_MIN_SECRET_BYTES = 24,
    WEBHOOK_MAX_SECRET_BYTES = 64,
    WEBHOOK_SIGNATURE_SIZE = WEBHOOK_MAX_SECRETS * 48 /* "v1," and 44 of base64 each, spaces, and the end */
};

struct webhook_secret {
    uint8_t bytes[WEBHOOK_MAX_SECRET_BYTES];
    size_t size;
};

/* All of them sign, so that receivers can go over from one to the next. */
struct webhook_secrets {
    struct webhook_secret items[WEBHOOK_MAX_SECRETS];
    size_t count;
};

/* Adds "whsec_" and base64.  NULL when it worked, else what is wrong, which tells nothing of the secret. */
const char *webhook_secrets_add(struct webhook_secrets *secrets, const char *text);

/* Writes the value of webhook-signature for a message: of its id, the time in seconds since 1970, and the
 * body. False without memory. */
bool webhook_sign(const struct webhook_secrets *secrets, const char *id, int64_t timestamp, const void *body,
                  size_t size, char out[WEBHOOK_SIGNATURE_SIZE]);

#endif
