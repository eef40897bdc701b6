/*
 * single_file.h - a Stable Diffusion 1 model out of one .safetensors file.
 *
 * What a diffusers folder says in its configs is told from the tensors' shapes; what shapes do not tell is as
 * in Stable Diffusion 1: 8 attention heads, 32 groups, text heads of 64 channels, the scheduler's defaults,
 * epsilon unless the metadata or a tensor named v_pred say otherwise.  The vocabulary is in no such file: it
 * is read from tokenizer/ beside it.
 */
#ifndef SINGLE_FILE_H
#define SINGLE_FILE_H

#include "pipeline/model_parts.h"

/* Opens the parts and the schedule.  The weights stay in the mapped file, which is model->file.  Errors:
 * those of the parts. */
LTD_MUST_USE enum ltd_status single_file_open(struct ltd_model *model, const char *path,
                                              struct ltd_error *err);

#endif
