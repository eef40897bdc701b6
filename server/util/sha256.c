#include "util/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/hmac.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_PIECE = 256 * 1024 }; /* about a millisecond of work */

_Static_assert(SHA256_SIZE == SHA256_DIGEST_SIZE, "a digest has 32 bytes");

void sha256(const void *data, size_t size, uint8_t out[SHA256_SIZE])
{
    struct sha256_ctx context;

    sha256_init(&context);
    sha256_update(&context, size, data);
    sha256_digest(&context, SHA256_SIZE, out);
}

static void print_digest(const uint8_t digest[SHA256_SIZE], char out[SHA256_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < SHA256_SIZE; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[SHA256_TEXT_SIZE - 1] = '\0';
}

void sha256_text(const void *data, size_t size, char out[SHA256_TEXT_SIZE])
{
    uint8_t digest[SHA256_SIZE];

    sha256(data, size, digest);
    print_digest(digest, out);
}

static enum ltd_status add_file(struct sha256_ctx *context, const char *path, uint8_t *piece,
                                const atomic_bool *cancel, struct ltd_error *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum ltd_status st = LTD_OK;
    ssize_t got = fd < 0 ? -1 : 1;

    while (got > 0 && st == LTD_OK) {
        do
            got = read(fd, piece, FILE_PIECE);
        while (got < 0 && errno == EINTR);
        if (atomic_load(cancel))
            st = ltd_fail(err, LTD_ECANCELED, "canceled");
        else if (got > 0)
            sha256_update(context, (size_t)got, piece);
    }
    if (got < 0)
        st = ltd_fail(err, LTD_EIO, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return st;
}

enum ltd_status sha256_files(const char *const *paths, size_t count, const atomic_bool *cancel,
                             char out[SHA256_TEXT_SIZE], struct ltd_error *err)
{
    struct sha256_ctx context;
    uint8_t digest[SHA256_SIZE], *piece = malloc(FILE_PIECE);
    enum ltd_status st = LTD_OK;

    if (!piece)
        return ltd_fail(err, LTD_ENOMEM, "no memory to read a file");
    sha256_init(&context);
    for (size_t i = 0; st == LTD_OK && i < count; i++)
        st = add_file(&context, paths[i], piece, cancel, err);
    free(piece);
    if (st != LTD_OK)
        return st;
    sha256_digest(&context, SHA256_SIZE, digest);
    print_digest(digest, out);
    return LTD_OK;
}

void sha256_hmac(const void *key, size_t key_size, const void *data, size_t size, uint8_t out[SHA256_SIZE])
{
    struct hmac_sha256_ctx context;

    hmac_sha256_set_key(&context, key_size, key);
    hmac_sha256_update(&context, size, data);
    hmac_sha256_digest(&context, SHA256_SIZE, out);
}
