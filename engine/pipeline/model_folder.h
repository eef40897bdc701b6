/*
 * model_folder.h - a model's parts from a diffusers folder.
 */
#ifndef MODEL_FOLDER_H
#define MODEL_FOLDER_H

#include "pipeline/model_parts.h"

/* Opens the parts that dir/model_index.json stands for, for model->use, into the model, which closes them,
 * after an error too. Errors: LTD_ENOTFOUND, LTD_EFORMAT, LTD_EUNSUPPORTED (another pipeline), LTD_EIO,
 * LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status model_folder_open(struct ltd_model *model, const char *dir,
                                               struct ltd_error *err);

/* Is it a model, as far as dir/model_index.json tells?  Errors: LTD_EFORMAT, LTD_EUNSUPPORTED, LTD_EIO,
 * LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status model_folder_look(const char *dir, struct ltd_error *err);

/* Are model->tokenizer and model->tokenizer_2, opened from the two folders in dir, alike but for the token
 * that they fill up with?  Errors: LTD_EUNSUPPORTED they are not; LTD_EIO, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status model_folder_check_words(const struct ltd_model *model, const char *dir,
                                                      struct ltd_error *err);

#endif
