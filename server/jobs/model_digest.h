/*
 * model_digest.h - by which digest a model's weights are known, found out in the background.
 *
 * It is the SHA-256 of the weight file; of a diffusers folder, that of all .safetensors files in
 * text_encoder, unet and vae, in this order and in each by name, written one after another.
 */
#ifndef MODEL_DIGEST_H
#define MODEL_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include <latentd/error.h>

#include "jobs/model_set.h"
#include "util/sha256.h"

struct model_digests;

/* Starts a thread of the lowest priority that computes them, one model after another.  Borrows models.
 * Errors: LTD_ENOMEM, LTD_EIO. */
LTD_MUST_USE enum ltd_status model_digests_start(const struct model_set *models, struct model_digests **out,
                                                 struct ltd_error *err);
void model_digests_stop(struct model_digests *digests); /* ends the thread, and frees; NULL is fine */

/* Writes the digest of a model as hexadecimal; false while it is not known, or when its files cannot be read.
 * Any thread; never waits.  digests NULL: none is known. */
bool model_digest_get(const struct model_digests *digests, size_t model, char out[SHA256_TEXT_SIZE]);

#endif
