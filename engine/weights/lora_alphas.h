/*
 * lora_alphas.h - what the metadata of an adapter file say of its strength.
 *
 * diffusers writes PEFT's configuration of each network into lora_adapter_metadata, as JSON: lora_alpha,
 * alpha_pattern for layers that have one of their own, use_rslora; with the network's name and a dot before
 * each in a pipeline's file.
 */
#ifndef LORA_ALPHAS_H
#define LORA_ALPHAS_H

#include <stddef.h>

#include <latentd/error.h>

#include "weights/lora_file.h"

/* Tells the low-rank modules without an alpha of their own.  Errors: LTD_EFORMAT no JSON, or another type
 * than expected; LTD_EUNSUPPORTED a pattern that is more than the end of a layer's name; LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status lora_alphas_read(const char *text, struct lora_module *modules, size_t count,
                                              struct ltd_error *err);

#endif
