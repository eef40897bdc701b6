/*
 * upscale_tiles.h - a picture through a network, tile by tile, so that the memory that it takes does not grow
 * with the picture.
 *
 * Each tile is shown more of the picture than it gives, UPSCALE_HALO pixels on all sides, of which the
 * network's result is thrown away.  An ESRGAN looks further than that, hundreds of pixels; but what comes
 * from there is weighed by 0.2 once a dense block and once a residual one, and by little at each convolution.
 * Real-ESRGAN's own program shows 10.  test_upscale has how far a tiled picture is from a whole one.
 */
#ifndef UPSCALE_TILES_H
#define UPSCALE_TILES_H

#include <latentd/image.h>

#include "upscale/upscale_net.h"

/* Sides in what the network takes for pixels.  A tile of 256 and its halo are 140 MB of a trunk of 64
 * channels that grow by 32, and 13 % more work than without a halo. */
#define UPSCALE_TILE 256
#define UPSCALE_HALO 16

/* How many tiles a picture of that size is. */
size_t upscale_tiles_count(const struct upscale_net *net, int width, int height);

/* Tells that one more tile is done. */
typedef void upscale_tile_fn(void *arg);

/* out, which has factor times the sides of in, becomes the enlarged picture; on a dry e neither needs
 * pixels.  Errors: LTD_ECANCELED, LTD_ENONFINITE. */
LTD_MUST_USE enum ltd_status upscale_tiles_run(const struct upscale_net *net, struct exec *e,
                                               struct ltd_image *out, const struct ltd_image *in,
                                               upscale_tile_fn *done, void *arg, struct ltd_error *err);

#endif
