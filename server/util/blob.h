/*
 * blob.h - bytes that never change, shared by count.
 *
 * A picture belongs to its job and to every reply that is still sending it; the last one frees it.
 */
#ifndef BLOB_H
#define BLOB_H

#include <stddef.h>

struct blob;

/* Takes data (from malloc) on success only; NULL without memory.  The caller owns one reference. */
struct blob *blob_take(void *data, size_t size);
/* A copy of bytes; NULL without memory. */
struct blob *blob_copy(const void *data, size_t size);
/* A copy of a text, without its end; NULL without memory. */
struct blob *blob_from_text(const char *text);
struct blob *blob_ref(struct blob *blob); /* returns blob; safe on any thread */
void blob_unref(struct blob *blob);       /* NULL is fine */
const void *blob_data(const struct blob *blob);
size_t blob_size(const struct blob *blob);

#endif
