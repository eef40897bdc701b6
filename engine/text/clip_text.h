/*
 * clip_text.h - the CLIP text encoder (transformers: CLIPTextModel, CLIPTextModelWithProjection; Radford et
 * al. 2021).
 */
#ifndef CLIP_TEXT_H
#define CLIP_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include <latentd/error.h>
#include <latentd/json.h>

#include "nn/binder.h"
#include "tensor/exec.h"
#include "weights/weight_set.h"

struct clip_text;

struct clip_text_config {
    size_t vocab, positions; /* rows of the two embedding tables */
    size_t channels, mlp_channels;
    size_t heads, layers;
    size_t pooled_channels; /* of what a whole text comes to; 0: the encoder has no text_projection */
};

/* Opens dir/config.json and dir/model.safetensors (or its shards).  With a report (else NULL) everything
 * wrong with the weights goes there, and *out is not set.  Errors: LTD_ENOTFOUND, LTD_EFORMAT,
 * LTD_EUNSUPPORTED, LTD_EIO, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status clip_text_open(const char *dir, enum bind_use use, struct bind_report *report,
                                            struct clip_text **out, struct ltd_error *err);
/* The same from a config and weights at hand, which are taken, after an error too; file is for messages. */
LTD_MUST_USE enum ltd_status clip_text_open_set(const struct ltd_json *config, const char *file,
                                                struct weight_set *weights, enum bind_use use,
                                                struct clip_text **out, struct ltd_error *err);
/* The same encoder with other values in place of some weights.  Borrows base's weight file and vectors that
 * it was given, and the overlay, which must outlive it; it cannot be given more.  Errors: LTD_EFORMAT values
 * that are not finite, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status clip_text_adapt(const struct clip_text *base,
                                             const struct weight_overlay *overlay, struct clip_text **out,
                                             struct ltd_error *err);
void clip_text_close(struct clip_text *text); /* NULL is fine */
const struct clip_text_config *clip_text_config(const struct clip_text *text);
const struct weight_set *clip_text_weights(const struct clip_text *text);

/* Gives vectors [count, channels] the next ids behind the vocabulary, as rows of the token embedding; they
 * are copied. *first: the id of the first one.  Not while anybody runs the encoder.  Errors: LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status clip_text_extend(struct clip_text *text, const float *vectors, size_t count,
                                              int32_t *first, struct ltd_error *err);

/* y [n, tokens, channels] = final_layer_norm of what the last layer but `skip` leaves (skip 0: the last) for
 * ids [n, tokens], each below vocab or given by clip_text_extend; tokens <= positions; skip < layers.
 * Attention is causal; padding is not masked, as diffusers pipelines do it. */
void clip_text_forward(const struct clip_text *text, struct exec *e, struct tensor y, const int32_t *ids,
                       size_t skip);

/* The same without the norm, as Stable Diffusion XL takes it; and pooled [n, 1, 1, pooled_channels], which
 * the projection makes of the whole encoder's normed output at each text's first `end` mark.  pooled.c 0:
 * nobody asks for it. */
void clip_text_hidden(const struct clip_text *text, struct exec *e, struct tensor y, struct tensor pooled,
                      const int32_t *ids, size_t skip, int32_t end);

/* What the key projection of `layer` gives for ids, [n, tokens, channels].  For tests: softmax cancels key
 * biases, so nothing behind it shows whether they are right. */
void clip_text_keys(const struct clip_text *text, struct exec *e, struct tensor y, const int32_t *ids,
                    size_t layer);

#endif
