/*
 * picture_output.h - the file of a picture, as --output, --quality and --lossless of a command say it.
 */
#ifndef PICTURE_OUTPUT_H
#define PICTURE_OUTPUT_H

#include <latentd/image.h>

#include "options/option_table.h"

/* The ending says the format; PNG where it says none. */
struct ltd_picture_form picture_output_form(const char *output, int quality, bool lossless);

/* Flags that do not go with the format; has_quality: --quality was given. */
void picture_output_check_form(struct option_set *set, const struct ltd_picture_form *form, bool has_quality);

/* Making pictures takes minutes: a name that cannot be written is told before it. */
void picture_output_check(struct option_set *set, const char *output);

/* "-" is standard output.  An exit code; what went wrong is on standard error. */
int picture_output_write(const char *name, const struct ltd_bytes *bytes);

#endif
