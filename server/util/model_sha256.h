/*
 * model_sha256.h - the digest that a model's weights are known by.
 *
 * It is the SHA-256 of the weight file; of a diffusers folder, that of all .safetensors files in
 * text_encoder, text_encoder_2, unet and vae, as far as there are such folders, in this order and in each by
 * name, written one after another.
 */
#ifndef MODEL_SHA256_H
#define MODEL_SHA256_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/sha256.h"

/* Reads every file, and gives up soon after *cancel becomes true.  False then, and when they cannot be read.
 */
bool model_sha256(const char *path, const atomic_bool *cancel, char out[SHA256_TEXT_SIZE]);

/* A number that is another one when one of those files was replaced or written to since. */
uint64_t model_stamp(const char *path);

#endif
