/*
 * weight_path.h - which file of a folder holds a network's weights.
 */
#ifndef WEIGHT_PATH_H
#define WEIGHT_PATH_H

#include <stdbool.h>

#include <latentd/error.h>

/* The weights' file in dir, or the index of its shards: STEM.safetensors, else STEM.safetensors.index.json,
 * else that of the only variant there is, STEM.VARIANT.safetensors or STEM.safetensors.index.VARIANT.json, as
 * diffusers and transformers name them ("fp16").  The caller frees *path.  Errors: LTD_ENOTFOUND none of
 * these is there, which names a pickle (.bin, .ckpt) that wants converting; LTD_EUNSUPPORTED there are
 * several variants; LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status weight_path_find(const char *dir, const char *stem, char **path, bool *is_index,
                                              struct ltd_error *err);

#endif
