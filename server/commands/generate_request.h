/*
 * generate_request.h - the flags of `latentd generate`, and the parameters they mean.
 */
#ifndef GENERATE_REQUEST_H
#define GENERATE_REQUEST_H

#include <latentd/image.h>
#include <latentd/model.h>

#include "commands/generate_controls.h"
#include "options/option_table.h"

enum generate_index {
#define OPTION(kind, place, key, standard, min, max, unit, value, help) GENERATE_##key,
#include "commands/generate.def"
#undef OPTION
    GENERATE_COUNT
};

struct generate_flags {
#define OPTION(kind, place, key, standard, min, max, unit, value, help) OPTION_TYPE_##kind key;
#include "commands/generate.def"
#undef OPTION
    struct option_origin origins[GENERATE_COUNT];
};

extern const struct option_spec generate_specs[GENERATE_COUNT];

/* The option machine over flags, which the caller zeroed; ended with option_set_clear. */
struct option_set generate_option_set(struct generate_flags *flags, FILE *problems);
bool generate_has(const struct generate_flags *flags, enum generate_index index); /* whether it was given */

/* What can be told without the model: wrong names, missing flags, an output that cannot be written. */
void generate_check_flags(struct option_set *set, const struct generate_flags *flags);

/* What the --lora flags say; the names are its own. */
struct generate_loras {
    struct ltd_lora items[LTD_MAX_LORAS];
    char *names[LTD_MAX_LORAS];
    int count;
};
void generate_loras_read(struct option_set *set, const struct generate_flags *flags,
                         struct generate_loras *loras);
void generate_loras_fini(struct generate_loras *loras); /* also of a zeroed struct */

/* The parameters that the flags mean for model; *params borrows loras and controls.  *init_image and *mask,
 * which the caller frees and *params borrows, are the decoded and resized --init-image and --mask or NULL.
 * Problems go to set, and warnings to its stream; what is wrong keeps its default.  Draws a seed below 2^32
 * when none was given. */
void generate_params(struct option_set *set, const struct generate_flags *flags,
                     const struct ltd_model *model, const struct generate_loras *loras,
                     const struct generate_controls *controls, struct ltd_gen_params *params,
                     struct ltd_image **init_image, struct ltd_image **mask);

/* How --output, --quality and --lossless say that the images are written. */
struct ltd_picture_form generate_form(const struct generate_flags *flags);

/* Writes the file name of image `index` to name: x.png, x-1.png, x-2.png.  false: too long. */
bool generate_output_name(const char *output, int index, char *name, size_t size);

#endif
