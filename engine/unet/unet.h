/*
 * unet.h - the denoising network (diffusers: UNet2DConditionModel; Ronneberger et al. 2015, Rombach et al.
 * 2022).
 */
#ifndef UNET_H
#define UNET_H

#include <latentd/error.h>
#include <latentd/json.h>

#include "nn/binder.h"
#include "tensor/exec.h"
#include "unet/unet_config.h"
#include "weights/weight_set.h"

struct unet;

/* Opens dir/config.json and dir/diffusion_pytorch_model.safetensors (or its shards).  With a report (else
 * NULL) everything wrong with the weights goes there, and *out is not set.  Errors: LTD_ENOTFOUND,
 * LTD_EFORMAT, LTD_EUNSUPPORTED, LTD_EIO, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status unet_open(const char *dir, enum bind_use use, struct bind_report *report,
                                       struct unet **out, struct ltd_error *err);
/* The same from a config and weights at hand, which are taken, after an error too; file is for messages. */
LTD_MUST_USE enum ltd_status unet_open_set(const struct ltd_json *config, const char *file,
                                           struct weight_set *weights, enum bind_use use, struct unet **out,
                                           struct ltd_error *err);
/* The same network with other values in place of some weights.  Borrows base's weight file and the overlay,
 * which must outlive it.  Errors: LTD_EFORMAT values that are not finite, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status unet_adapt(const struct unet *base, const struct weight_overlay *overlay,
                                        struct unet **out, struct ltd_error *err);
void unet_close(struct unet *unet); /* NULL is fine */
const struct unet_config *unet_config(const struct unet *unet);
const struct weight_set *unet_weights(const struct unet *unet);

/* What does not change from step to step is made once, before the first one, and kept in two tables.  How
 * they are arranged inside is the network's own matter. */

/* Of texts: the keys and values of all cross-attentions.  table [rows, tokens, 1, unet_text_channels] from
 * context [rows, tokens, 1, context_channels]. */
size_t unet_text_channels(const struct unet *unet);
void unet_text_forward(const struct unet *unet, struct exec *e, struct tensor table, struct tensor context);

/* Of timesteps: what each resblock takes of them, and of what is added to them. */
size_t unet_time_channels(const struct unet *unet);
/* What n rows of that table are made from; values are not read on a dry exec. */
struct unet_times {
    const double *timesteps; /* [n]; fractional ones too */
    struct tensor
        added;       /* [n, 1, 1, config.time_channels] of unet_added_forward, for a network that takes it */
    double guidance; /* the guidance scale, for a network that takes it */
};
/* table [n, 1, 1, unet_time_channels] */
void unet_time_forward(const struct unet *unet, struct exec *e, struct tensor table,
                       const struct unet_times *times);

/* How many numbers of sizes the network takes beside a pooled text of so many channels (Podell et al. 2023,
 * "SDXL", 2.2); 0: it takes no such text. */
size_t unet_size_count(const struct unet *unet, size_t pooled_channels);
/* y [n, 1, 1, config.time_channels] = what pooled texts [n, 1, 1, c] and sizes [n, unet_size_count] add to
 * the time embedding.  For a network that takes them. */
void unet_added_forward(const struct unet *unet, struct exec *e, struct tensor y, struct tensor pooled,
                        const double *sizes);

/* What control networks add (Zhang et al. 2023, "ControlNet"): to each feature map that the way down leaves
 * for the way up, in the order in which it does, and to what the middle gives. */
struct unet_control {
    struct tensor skip[UNET_MAX_SKIPS];
    struct tensor mid;
};
size_t unet_skip_count(const struct unet_config *config);
/* Uninitialised tensors from e for a latent [n, h, w, ..]. */
void unet_control_take(const struct unet_config *config, struct exec *e, struct unet_control *control,
                       struct tensor latent);

/* What a forward pass is given besides the latent. */
struct unet_input {
    struct tensor times; /* the table */
    size_t time;         /* the row that counts for all items; of a network with added embeddings, for item 0,
                            and item i has the i-th after it */
    struct tensor texts; /* the table */
    size_t text;         /* the row for item 0 of the latent; item i has the i-th after it */
    /* [n, h, w, unet_deep_channels]: the feature map between the last two layers of the way up (Ma et al.
     * 2023, "DeepCache", branch 0).  Its data NULL: nobody asks for it.  Else it is written; or, with
     * `shallow`, read, as another pass at the same size has left it, and then only what comes before the
     * first and behind this point is run: conv_in, the last layer and conv_out. */
    struct tensor deep;
    bool shallow;
    const struct unet_control *control; /* as many items as y has; NULL: none.  Not with a `deep` */
};
size_t unet_deep_channels(const struct unet *unet);

/* y [n, h, w, out_channels] = unet(x [n, h, w, in_channels], timestep, texts).  h and w of at least
 * unet_min_side, odd ones too.  y does not overlap x.  With an x of one item all of y's come of it: whatever
 * the network does before it first looks at the texts is then done once, with the same result. */
void unet_forward(const struct unet *unet, struct exec *e, struct tensor y, struct tensor x,
                  const struct unet_input *input);

#endif
