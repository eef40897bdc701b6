#include "util/sha256.h"

#include <nettle/hmac.h>
#include <nettle/sha2.h>

_Static_assert(SHA256_SIZE == SHA256_DIGEST_SIZE, "a digest has 32 bytes");

void sha256(const void *data, size_t size, uint8_t out[SHA256_SIZE])
{
    struct sha256_ctx context;

    sha256_init(&context);
    sha256_update(&context, size, data);
    sha256_digest(&context, SHA256_SIZE, out);
}

void sha256_text(const void *data, size_t size, char out[SHA256_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t digest[SHA256_SIZE];

    sha256(data, size, digest);
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[SHA256_TEXT_SIZE - 1] = '\0';
}

void sha256_hmac(const void *key, size_t key_size, const void *data, size_t size, uint8_t out[SHA256_SIZE])
{
    struct hmac_sha256_ctx context;

    hmac_sha256_set_key(&context, key_size, key);
    hmac_sha256_update(&context, size, data);
    hmac_sha256_digest(&context, SHA256_SIZE, out);
}
