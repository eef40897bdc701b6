/*
 * upscalers.h - the networks of a folder that make pictures larger, and what is built in.
 */
#ifndef UPSCALERS_H
#define UPSCALERS_H

#include <latentd/upscale.h>

#include "base/lease_cache.h"
#include "upscale/upscale_net.h"

/* Networks that no job uses are kept open in case the next one does: so many. */
#define UPSCALERS_IDLE 2

enum upscaler_kind { UPSCALER_LANCZOS, UPSCALER_NEAREST, UPSCALER_NETWORK };

struct upscaler_item {
    enum upscaler_kind kind;
    char *name, *path;          /* path NULL: built in */
    char *refused;              /* why it is no use; NULL: it is */
    struct upscale_net *shapes; /* NULL: refused, or built in */
};

struct ltd_upscalers {
    struct upscaler_item *item; /* what is built in, then in the order of the folder */
    size_t count;
    struct lease_cache *open; /* struct upscale_net, by index */
};

/* The first usable one of this name, else a refused one; NULL: there is none. */
const struct upscaler_item *upscalers_find(const struct ltd_upscalers *upscalers, const char *name);

/* The network itself in place of its shapes, which the caller gives back.  Errors: upscale_net_open's. */
LTD_MUST_USE enum ltd_status upscalers_take(const struct ltd_upscalers *upscalers,
                                            const struct upscaler_item *item, const struct upscale_net **out,
                                            struct ltd_error *err);
void upscalers_release(const struct ltd_upscalers *upscalers, const struct upscale_net *net); /* or NULL */

#endif
