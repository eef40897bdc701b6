#include "webhook/webhook_signature.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/base64.h"
#include "util/sha256.h"

static const char secret_prefix[] = "whsec_", version[] = "v1,";

const char *webhook_secrets_add(struct webhook_secrets *secrets, const char *text)
{
    uint8_t bytes[WEBHOOK_MAX_SECRET_BYTES + 3];
    struct webhook_secret *secret = &secrets->items[secrets->count];
    const size_t prefix = sizeof secret_prefix - 1;
    size_t size, length;

    if (secrets->count == WEBHOOK_MAX_SECRETS)
        return "there are more than 8";
    if (strncmp(text, secret_prefix, prefix) != 0)
        return "a secret begins with whsec_";
    text += prefix;
    length = strlen(text);
    if (base64_decoded_bound(length) > sizeof bytes || !base64_decode(text, length, bytes, &size) ||
        size < WEBHOOK_MIN_SECRET_BYTES || size > WEBHOOK_MAX_SECRET_BYTES)
        return "behind whsec_ stand 24 to 64 random bytes as base64";
    memcpy(secret->bytes, bytes, size);
    secret->size = size;
    secrets->count++;
    return NULL;
}

bool webhook_sign(const struct webhook_secrets *secrets, const char *id, int64_t timestamp, const void *body,
                  size_t size, char out[WEBHOOK_SIGNATURE_SIZE])
{
    char head[128];
    const size_t head_size = (size_t)snprintf(head, sizeof head, "%s.%" PRId64 ".", id, timestamp);
    char *message = head_size < sizeof head ? malloc(head_size + size) : NULL;
    char *end = out;

    if (!message)
        return false;
    memcpy(message, head, head_size);
    memcpy(message + head_size, body, size);
    for (size_t i = 0; i < secrets->count; i++) {
        uint8_t mac[SHA256_SIZE];

        sha256_hmac(secrets->items[i].bytes, secrets->items[i].size, message, head_size + size, mac);
        if (i > 0)
            *end++ = ' ';
        memcpy(end, version, sizeof version - 1);
        end += sizeof version - 1;
        base64_encode(end, mac, sizeof mac);
        end += base64_encoded_size(sizeof mac);
    }
    *end = '\0';
    free(message);
    return true;
}
