/*
 * control_nets.h - the control networks that requests to a model may name.
 *
 * Of each the shapes are kept, from which pictures are planned; the values are mapped when a job needs them,
 * and shared by all who do.
 */
#ifndef CONTROL_NETS_H
#define CONTROL_NETS_H

#include <stddef.h>

#include <latentd/model.h>

#include "base/lease_cache.h"
#include "unet/control_net.h"

/* Networks that no job uses are kept open in case the next one does: so many. */
#define CONTROL_NETS_IDLE 2

struct control_item {
    char *name, *path;
    char *refused;              /* why it is no use; NULL: it is */
    struct control_net *shapes; /* NULL: refused */
};

struct control_nets {
    struct control_item *item; /* in the order of the folder */
    size_t count;
    struct lease_cache *open; /* struct control_net, by index; NULL before control_nets_read */
};

/* What is in `dir`, as ltd_model_add_control_nets has it. */
LTD_MUST_USE enum ltd_status control_nets_read(struct control_nets *nets, const char *dir,
                                               const struct unet_config *base, size_t vae_factor,
                                               struct ltd_error *err);
void control_nets_fini(struct control_nets *nets); /* also of a zeroed struct */

/* The first usable one of this name, else a refused one; NULL: there is none. */
const struct control_item *control_nets_find(const struct control_nets *nets, const char *name);

/* The shapes of those that params name, which must have passed ltd_params_check: out [LTD_MAX_CONTROLS]. */
void control_nets_shapes(const struct control_nets *nets, const struct ltd_gen_params *params,
                         const struct control_net **out);

/* The networks themselves, in place of the shapes, which the caller gives back, also on failure.  Errors:
 * those of control_net_open. */
LTD_MUST_USE enum ltd_status control_nets_take(const struct control_nets *nets,
                                               const struct unet_config *base,
                                               const struct ltd_gen_params *params,
                                               const struct control_net **out, struct ltd_error *err);
/* taken [LTD_MAX_CONTROLS]: those that were, else NULL */
void control_nets_release(const struct control_nets *nets, const struct control_net *const *taken);

#endif
