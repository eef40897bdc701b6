#include "api/request_outpaint.h"

#include <stdint.h>
#include <string.h>

static int nearest(int at, int size)
{
    return at < 0 ? 0 : at < size ? at : size - 1;
}

static void lay_out(const struct ltd_image *image, const struct outpaint *sides, struct ltd_image *larger,
                    struct ltd_image *mask)
{
    for (int y = 0; y < larger->height; y++)
        for (int x = 0; x < larger->width; x++) {
            const int from_x = x - sides->left, from_y = y - sides->top;
            const int near_x = nearest(from_x, image->width), near_y = nearest(from_y, image->height);
            const size_t to = 3 * ((size_t)y * (size_t)larger->width + (size_t)x);

            memcpy(larger->pixels + to,
                   image->pixels + 3 * ((size_t)near_y * (size_t)image->width + (size_t)near_x), 3);
            memset(mask->pixels + to, near_x == from_x && near_y == from_y ? 0 : 255, 3);
        }
}

enum ltd_status request_outpaint(struct ltd_image **image, struct ltd_image **mask,
                                 const struct outpaint *sides, size_t max_pixels, struct ltd_error *err)
{
    const int64_t width = (int64_t)(*image)->width + sides->left + sides->right;
    const int64_t height = (int64_t)(*image)->height + sides->top + sides->bottom;
    struct ltd_image *larger = NULL;
    enum ltd_status st;

    if (width == (*image)->width && height == (*image)->height)
        return ltd_fail(err, LTD_EINVAL,
                        "gives no side that grows; say how many pixels, for example {\"right\": 128}");
    if (width > (int64_t)max_pixels / height)
        return ltd_fail(err, LTD_ETOOBIG,
                        "makes the picture %lld x %lld; this server makes pictures of at most %zu pixels",
                        (long long)width, (long long)height, max_pixels);
    st = ltd_image_new((int)width, (int)height, &larger, err);
    if (st == LTD_OK)
        st = ltd_image_new((int)width, (int)height, mask, err);
    if (st != LTD_OK) {
        ltd_image_free(larger);
        return st;
    }
    lay_out(*image, sides, larger, *mask);
    ltd_image_free(*image);
    *image = larger;
    return LTD_OK;
}
