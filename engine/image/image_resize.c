/*
 * image_resize.c - resampling with the arithmetic of PIL's Image.resize.
 *
 * Each axis has, for every output position, a run of input positions and their weights: the kernel, Lanczos'
 * sinc(x) sinc(x/3), |x| < 3, or Keys' cubic (1981) with a = -1/2, |x| < 2, stretched by the scale when
 * shrinking, sampled at pixel centres, divided by its sum, and rounded to fixed point.  The horizontal pass
 * comes first and is rounded to 8 bits, then the vertical one.
 */
#include "image/image_resize.h"

#include "base/size_math.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* 32 bits less the 8 of a sample and 2 for weights whose absolute values sum to more than 1. */
enum { WEIGHT_BITS = 22 };

struct axis {
    int *first;       /* [out]: first input position of each run */
    int *length;      /* [out] */
    int32_t *weights; /* [out, stride], WEIGHT_BITS after the point */
    size_t stride;
};

static void axis_fini(struct axis *axis)
{
    free(axis->first);
    free(axis->length);
    free(axis->weights);
}

static double sinc(double x)
{
    return x == 0 ? 1 : sin(x * M_PI) / (x * M_PI);
}

static double lanczos(double x)
{
    return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
}

static double cubic(double x)
{
    const double a = -0.5, d = fabs(x);

    if (d < 1)
        return ((a + 2) * d - (a + 3)) * d * d + 1;
    return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
}

static const struct kernel {
    double (*weight)(double x);
    int reach;
} kernels[] = {[RESAMPLE_LANCZOS] = {lanczos, 3}, [RESAMPLE_CUBIC] = {cubic, 2}};

/* Fills the run of output position `at`; exact is room for stride weights. */
static void fill_run(struct axis *axis, const struct kernel *kernel, int at, int in, double scale,
                     double *exact)
{
    const double stretch = scale > 1 ? scale : 1, reach = kernel->reach * stretch,
                 centre = (at + 0.5) * scale;
    const int first = centre - reach + 0.5 > 0 ? (int)(centre - reach + 0.5) : 0;
    const int end = centre + reach + 0.5 < in ? (int)(centre + reach + 0.5) : in;
    double sum = 0;

    for (int i = 0; i < end - first; i++) {
        exact[i] = kernel->weight((i + first - centre + 0.5) * (1 / stretch));
        sum += exact[i];
    }
    for (int i = 0; i < end - first; i++) {
        const double weight = (sum != 0 ? exact[i] / sum : exact[i]) * (1 << WEIGHT_BITS);

        axis->weights[(size_t)at * axis->stride + (size_t)i] =
            (int32_t)(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    axis->first[at] = first;
    axis->length[at] = end - first;
}

static bool axis_init(struct axis *axis, const struct kernel *kernel, int in, int out)
{
    const double scale = (double)in / out;
    double *exact;
    size_t count;

    *axis = (struct axis){.stride = (size_t)ceil(kernel->reach * (scale > 1 ? scale : 1)) * 2 + 1};
    exact = calloc(axis->stride, sizeof *exact);
    axis->first = calloc((size_t)out, sizeof *axis->first);
    axis->length = calloc((size_t)out, sizeof *axis->length);
    if (size_mul((size_t)out, axis->stride, &count))
        axis->weights = calloc(count, sizeof *axis->weights);
    if (!exact || !axis->first || !axis->length || !axis->weights) {
        free(exact);
        axis_fini(axis);
        return false;
    }
    for (int at = 0; at < out; at++)
        fill_run(axis, kernel, at, in, scale, exact);
    free(exact);
    return true;
}

static uint8_t to_byte(int64_t sum)
{
    const int64_t level = sum >> WEIGHT_BITS;

    return (uint8_t)(level < 0 ? 0 : level > 255 ? 255 : level);
}

/* y[row, at, c] = sum over the run of x[row, first + i, c] w[i] */
static void resize_rows(struct ltd_image *y, const struct ltd_image *x, const struct axis *axis)
{
    for (int row = 0; row < y->height; row++)
        for (int at = 0; at < y->width; at++) {
            const uint8_t *from = x->pixels + ((size_t)row * (size_t)x->width + (size_t)axis->first[at]) * 3;
            const int32_t *weights = axis->weights + (size_t)at * axis->stride;
            int64_t sum[3] = {1 << (WEIGHT_BITS - 1), 1 << (WEIGHT_BITS - 1), 1 << (WEIGHT_BITS - 1)};

            for (int i = 0; i < axis->length[at]; i++, from += 3)
                for (int c = 0; c < 3; c++)
                    sum[c] += (int64_t)from[c] * weights[i];
            for (int c = 0; c < 3; c++)
                y->pixels[((size_t)row * (size_t)y->width + (size_t)at) * 3 + (size_t)c] = to_byte(sum[c]);
        }
}

/* y[at, k] = sum over the run of x[first + i, k] w[i], k over the samples of a row */
static void resize_columns(struct ltd_image *y, const struct ltd_image *x, const struct axis *axis)
{
    const size_t row_bytes = (size_t)x->width * 3;

    for (int at = 0; at < y->height; at++) {
        const uint8_t *from = x->pixels + (size_t)axis->first[at] * row_bytes;
        const int32_t *weights = axis->weights + (size_t)at * axis->stride;

        for (size_t k = 0; k < row_bytes; k++) {
            int64_t sum = 1 << (WEIGHT_BITS - 1);

            for (int i = 0; i < axis->length[at]; i++)
                sum += (int64_t)from[(size_t)i * row_bytes + k] * weights[i];
            y->pixels[(size_t)at * row_bytes + k] = to_byte(sum);
        }
    }
}

typedef void resize_fn(struct ltd_image *y, const struct ltd_image *x, const struct axis *axis);

/* A new picture of width x height, of which one side differs from image's: from `in` to `out`. */
static enum ltd_status resize_axis(const struct ltd_image *image, resize_fn *resize,
                                   const struct kernel *kernel, int in, int out, int width, int height,
                                   struct ltd_image **resized, struct ltd_error *err)
{
    struct ltd_image *made = NULL;
    struct axis axis;
    enum ltd_status status = ltd_image_new(width, height, &made, err);

    if (status != LTD_OK)
        return status;
    if (!axis_init(&axis, kernel, in, out)) {
        ltd_image_free(made);
        return ltd_fail(err, LTD_ENOMEM, "no memory to resize a picture to %d x %d", width, height);
    }
    resize(made, image, &axis);
    axis_fini(&axis);
    *resized = made;
    return LTD_OK;
}

enum ltd_status image_copy(const struct ltd_image *image, struct ltd_image **out, struct ltd_error *err)
{
    struct ltd_image *made = NULL;
    const enum ltd_status status = ltd_image_new(image->width, image->height, &made, err);

    if (status != LTD_OK)
        return status;
    memcpy(made->pixels, image->pixels, (size_t)image->width * (size_t)image->height * 3);
    *out = made;
    return LTD_OK;
}

enum ltd_status image_resize(const struct ltd_image *image, int width, int height, enum resample resample,
                             struct ltd_image **out, struct ltd_error *err)
{
    const struct kernel *kernel = &kernels[resample];
    struct ltd_image *wide = NULL, *made = NULL;
    enum ltd_status status = LTD_OK;

    if (width < 1 || height < 1 || width > 65535 || height > 65535)
        return ltd_fail(err, LTD_EINVAL, "cannot resize a picture to %d x %d: each side must be 1 to 65535",
                        width, height);
    if (width == image->width && height == image->height)
        return image_copy(image, out, err);
    if (width != image->width)
        status =
            resize_axis(image, resize_rows, kernel, image->width, width, width, image->height, &wide, err);
    if (status == LTD_OK && height != image->height)
        status = resize_axis(wide ? wide : image, resize_columns, kernel, image->height, height, width,
                             height, &made, err);
    if (status == LTD_OK)
        *out = made ? made : wide;
    if (status != LTD_OK || made)
        ltd_image_free(wide);
    return status;
}

enum ltd_status ltd_image_resize(const struct ltd_image *image, int width, int height, struct ltd_image **out,
                                 struct ltd_error *err)
{
    return image_resize(image, width, height, RESAMPLE_LANCZOS, out, err);
}
