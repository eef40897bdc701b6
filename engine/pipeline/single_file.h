/*
 * single_file.h - a Stable Diffusion model of any family (compvis.h) out of one .safetensors file.
 *
 * What a diffusers folder says in its configs is told from the tensors' names and shapes; what they do not
 * tell is as the family was first published (docs/models.md), as diffusers takes it too.  The vocabulary is
 * in no such file: file_words.h.
 */
#ifndef SINGLE_FILE_H
#define SINGLE_FILE_H

#include "pipeline/model_parts.h"

/* Opens the parts and the schedule, for model->use.  The weights stay in the mapped file, which is
 * model->file. Errors: those of the parts. */
LTD_MUST_USE enum ltd_status single_file_open(struct ltd_model *model, const char *path,
                                              struct ltd_error *err);

/* Is it a model, as far as the names of its tensors tell?  Errors: those of weight_set_open_model and of
 * compvis_layout_read. */
LTD_MUST_USE enum ltd_status single_file_look(const char *path, struct ltd_error *err);

#endif
