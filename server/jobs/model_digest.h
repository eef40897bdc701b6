/*
 * model_digest.h - by which digest a model's weights are known, found out in the background.
 *
 * Found out is the digest (util/model_sha256.h) of a model that somebody has asked for: the others are not
 * read.
 */
#ifndef MODEL_DIGEST_H
#define MODEL_DIGEST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <latentd/error.h>

#include "jobs/model_set.h"
#include "util/sha256.h"

struct model_digests;

/* Starts a thread of low priority that computes them, one model after another: of those that have been
 * asked for by then, and of those that model_digests_want names later.  Borrows models.  Errors: LTD_ENOMEM,
 * LTD_EIO. */
LTD_MUST_USE enum ltd_status model_digests_start(const struct model_set *models, struct model_digests **out,
                                                 struct ltd_error *err);
/* Its weights were read: they may be others than before.  Any thread. */
void model_digests_want(struct model_digests *digests, size_t model);
void model_digests_stop(struct model_digests *digests); /* ends the thread, and frees; NULL is fine */

/* Writes the digest of a model as hexadecimal; false while it is not known, or when its files cannot be read.
 * Any thread; never waits for long.  digests NULL: none is known. */
bool model_digest_get(struct model_digests *digests, size_t model, char out[SHA256_TEXT_SIZE]);
/* The same of a model that is wanted, but waits for it, at most a moment longer than until *cancel is true.
 * Pictures wait for it at their end, so that equal ones are equal from the first on. */
bool model_digest_wait(struct model_digests *digests, size_t model, const atomic_bool *cancel,
                       char out[SHA256_TEXT_SIZE]);

#endif
