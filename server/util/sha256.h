/*
 * sha256.h - SHA-256 and HMAC-SHA-256 (FIPS 180-4, RFC 2104).
 */
#ifndef SHA256_H
#define SHA256_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <latentd/error.h>

enum { SHA256_SIZE = 32, SHA256_TEXT_SIZE = 2 * SHA256_SIZE + 1 };

void sha256(const void *data, size_t size, uint8_t out[SHA256_SIZE]);

/* The digest of data as lower-case hexadecimal. */
void sha256_text(const void *data, size_t size, char out[SHA256_TEXT_SIZE]);

/* The same of the bytes of files, one after another; gives up soon after *cancel becomes true.
 * Errors: LTD_EIO a file cannot be read, LTD_ENOMEM, LTD_ECANCELED. */
LTD_MUST_USE enum ltd_status sha256_files(const char *const *paths, size_t count, const atomic_bool *cancel,
                                          char out[SHA256_TEXT_SIZE], struct ltd_error *err);

void sha256_hmac(const void *key, size_t key_size, const void *data, size_t size, uint8_t out[SHA256_SIZE]);

#endif
