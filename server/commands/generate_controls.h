/*
 * generate_controls.h - what the --control flags of `latentd generate` say.
 */
#ifndef GENERATE_CONTROLS_H
#define GENERATE_CONTROLS_H

#include <latentd/json.h>
#include <latentd/params.h>

#include "options/option_table.h"

struct generate_controls {
    struct ltd_control items[LTD_MAX_CONTROLS];
    struct ltd_json *said[LTD_MAX_CONTROLS]; /* owns their texts */
    struct ltd_image *pictures[LTD_MAX_CONTROLS];
    int count;
};

/* Reads each NAME:FILE[,MEMBER=VALUE]..., and the picture in the file; problems go to set. */
void generate_controls_read(struct option_set *set, const struct option_list *given,
                            struct generate_controls *controls);
void generate_controls_fini(struct generate_controls *controls); /* also of a zeroed struct */

#endif
