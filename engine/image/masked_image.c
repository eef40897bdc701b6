/*
 * masked_image.c - PIL's arithmetic for paste, convert, alpha_composite and GaussianBlur, in the order in
 * which AUTOMATIC1111's web UI and diffusers put them together.
 */
#include "image/masked_image.h"

#include <stdlib.h>
#include <string.h>

#include "image/gaussian_blur.h"

static size_t pixels_of(const struct ltd_image *image)
{
    return (size_t)image->width * (size_t)image->height;
}

void mask_from_image(struct ltd_image *mask, bool invert)
{
    for (size_t i = 0; i < pixels_of(mask); i++) {
        uint8_t *p = mask->pixels + 3 * i;
        const uint32_t grey = (p[0] * 19595U + p[1] * 38470U + p[2] * 7471U + 0x8000U) >> 16;

        memset(p, (int)(invert ? 255 - grey : grey), 3);
    }
}

enum ltd_status mask_blur(struct ltd_image *mask, int pixels, struct ltd_error *err)
{
    const size_t width = (size_t)mask->width, height = (size_t)mask->height;
    struct gaussian_kernel kernel = {0};
    uint8_t *scratch;
    enum ltd_status st;

    if (pixels == 0)
        return LTD_OK;
    st = gaussian_kernel_init(&kernel, pixels, err);
    scratch = malloc((width > height ? width : height) + 2 * (size_t)kernel.reach);
    if (st == LTD_OK && !scratch)
        st = ltd_fail(err, LTD_ENOMEM, "no memory to blur a mask");
    if (st == LTD_OK) {
        for (size_t y = 0; y < height; y++)
            gaussian_blur((struct sample_line){mask->pixels + y * width * 3, width, 3}, &kernel, scratch);
        for (size_t x = 0; x < width; x++)
            gaussian_blur((struct sample_line){mask->pixels + x * 3, height, width * 3}, &kernel, scratch);
        for (size_t i = 0; i < pixels_of(mask); i++)
            memset(mask->pixels + 3 * i, mask->pixels[3 * i], 3);
    }
    gaussian_kernel_fini(&kernel);
    free(scratch);
    return st;
}

void mask_strengthen(struct ltd_image *mask)
{
    for (size_t i = 0; i < pixels_of(mask) * 3; i++)
        mask->pixels[i] = (uint8_t)(mask->pixels[i] < 128 ? 2 * mask->pixels[i] : 255);
}

/* a / 255, rounded, for a up to 255 * 255. */
static uint8_t over_255(uint32_t a)
{
    return (uint8_t)(((a + 128) + ((a + 128) >> 8)) >> 8);
}

/* Of a pixel that the mask keeps in part, its colour once PIL has multiplied it by its alpha, and divided
 * again. */
static uint8_t unmultiplied(uint8_t colour, uint8_t alpha)
{
    const unsigned divided = alpha == 0 || alpha == 255 ? colour : 255U * colour / alpha;

    return (uint8_t)(divided > 255 ? 255 : divided);
}

/* under = over laid on it; RGBA, neither multiplied. */
static void lay_over(uint8_t under[4], const uint8_t over[4])
{
    enum { FRACTION = 7 };
    const uint32_t alpha_255 = over[3] * 255U + under[3] * (255U - over[3]);
    uint32_t share;

    if (over[3] == 0)
        return;
    share = over[3] * 255U * 255U * (1U << FRACTION) / alpha_255;
    for (int c = 0; c < 3; c++) {
        const uint32_t sum = over[c] * share + under[c] * ((255U << FRACTION) - share) + (0x80U << FRACTION);

        under[c] = (uint8_t)(((sum >> 8) + sum) >> 8 >> FRACTION);
    }
    under[3] = over_255(alpha_255);
}

/* What the mask keeps of a pixel, multiplied by its alpha. */
static void take_kept(uint8_t kept[4], const uint8_t *pixel, const uint8_t *mask)
{
    kept[3] = (uint8_t)(255 - mask[0]);
    for (int c = 0; c < 3; c++)
        kept[c] = over_255((uint32_t)pixel[c] * kept[3]);
}

/* The picture [height, width, 4] blurred by so many pixels. */
static void blur_rgba(uint8_t *rgba, size_t width, size_t height, float radius, uint8_t *scratch)
{
    for (size_t y = 0; y < height; y++)
        for (size_t c = 0; c < 4; c++)
            box_blur((struct sample_line){rgba + y * width * 4 + c, width, 4}, radius, scratch);
    for (size_t x = 0; x < width; x++)
        for (size_t c = 0; c < 4; c++)
            box_blur((struct sample_line){rgba + x * 4 + c, height, width * 4}, radius, scratch);
}

static void lay_all_over(uint8_t *under, const uint8_t *multiplied, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++, under += 4, multiplied += 4) {
        const uint8_t alpha = multiplied[3];
        const uint8_t over[4] = {unmultiplied(multiplied[0], alpha), unmultiplied(multiplied[1], alpha),
                                 unmultiplied(multiplied[2], alpha), alpha};

        lay_over(under, over);
    }
}

enum ltd_status masked_image_fill(struct ltd_image *image, const struct ltd_image *mask,
                                  struct ltd_error *err)
{
    static const struct {
        float radius;
        int times;
    } layers[] = {{256, 1}, {64, 1}, {16, 2}, {4, 4}, {2, 2}, {0, 1}};
    const size_t width = (size_t)image->width, height = (size_t)image->height, n = pixels_of(image);
    uint8_t *filled = calloc(n, 4), *kept = malloc(n * 4), *blurred = malloc(n * 4);
    uint8_t *scratch = malloc(width > height ? width : height);
    enum ltd_status st = LTD_OK;

    if (!filled || !kept || !blurred || !scratch)
        st = ltd_fail(err, LTD_ENOMEM, "no memory to fill what a mask covers");
    for (size_t i = 0; i < n && st == LTD_OK; i++)
        take_kept(kept + 4 * i, image->pixels + 3 * i, mask->pixels + 3 * i);
    for (size_t l = 0; l < sizeof layers / sizeof layers[0] && st == LTD_OK; l++) {
        memcpy(blurred, kept, n * 4);
        blur_rgba(blurred, width, height, layers[l].radius, scratch);
        for (int i = 0; i < layers[l].times; i++)
            lay_all_over(filled, blurred, n);
    }
    for (size_t i = 0; i < n && st == LTD_OK; i++)
        memcpy(image->pixels + 3 * i, filled + 4 * i, 3);
    free(filled);
    free(kept);
    free(blurred);
    free(scratch);
    return st;
}

void masked_image_overlay(struct ltd_image *image, const struct ltd_image *original,
                          const struct ltd_image *mask)
{
    for (size_t i = 0; i < pixels_of(image); i++) {
        uint8_t under[4] = {0, 0, 0, 255}, kept[4];

        memcpy(under, image->pixels + 3 * i, 3);
        take_kept(kept, original->pixels + 3 * i, mask->pixels + 3 * i);
        lay_all_over(under, kept, 1);
        memcpy(image->pixels + 3 * i, under, 3);
    }
}
