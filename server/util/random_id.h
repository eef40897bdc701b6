/*
 * random_id.h - ids and seeds that nobody can guess, from the kernel.
 */
#ifndef RANDOM_ID_H
#define RANDOM_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RANDOM_ID_SIZE = 33 }; /* 32 hexadecimal digits and the end */

/* 128 random bits as lower-case hexadecimal; false when the kernel gives none. */
bool random_id_make(char id[RANDOM_ID_SIZE]);

/* Whether text has the form of an id. */
bool random_id_is_valid(const char *text);

/* size random bytes, at most 256; false when the kernel gives none. */
bool random_fill(void *out, size_t size);

/* A number below 2^32; false when the kernel gives none. */
bool random_u32(uint32_t *out);

#endif
