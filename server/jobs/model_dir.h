/*
 * model_dir.h - the models of a folder.
 */
#ifndef MODEL_DIR_H
#define MODEL_DIR_H

#include "jobs/model_set.h"

/* Adds the models of a folder, and of the folders in it, in the order of their names: every diffusers folder,
 * .safetensors and .gguf that ltd_model_look takes for one, named as model_path_name has it.  set->log is
 * told of the others, of pickles, and of those whose name is taken.  What a link leads to is looked at, but
 * not where a link leads to a folder without a model.  Errors: LTD_ENOTFOUND, LTD_EIO the folder cannot be
 * read; LTD_ETOOBIG, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status model_dir_add(struct model_set *set, const char *dir, struct ltd_error *err);

#endif
