#include "kernels/conv_input.h"

#include <math.h>

/* Which of `in` pixels lies under pixel i of the `out` that they are stretched to by nearest neighbour: in
 * f32, as the reference rounds (torch.nn.functional.interpolate). */
static size_t nearest(size_t i, size_t in, size_t out)
{
    const size_t j = (size_t)floorf((float)i * ((float)in / (float)out));

    return j < in ? j : in - 1;
}

const float *conv_input_pixel(const struct conv2d *conv, struct tensor in, struct tensor out, size_t n,
                              size_t y, size_t x)
{
    const size_t h = conv->upsample ? out.h : in.h, w = conv->upsample ? out.w : in.w;

    if (conv->wraps) {
        y = (y + conv->pad_before * (h - 1)) % h;
        x = (x + conv->pad_before * (w - 1)) % w;
    } else {
        /* Unsigned arithmetic turns a negative coordinate into a huge one, which fails the same test. */
        y -= conv->pad_before;
        x -= conv->pad_before;
        if (y >= h || x >= w)
            return NULL;
    }
    if (conv->upsample) {
        y = nearest(y, in.h, h);
        x = nearest(x, in.w, w);
    }
    return in.data + ((n * in.h + y) * in.w + x) * in.c;
}
