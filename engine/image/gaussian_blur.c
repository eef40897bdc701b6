#include "image/gaussian_blur.h"

#include <math.h>
#include <stdlib.h>

enum { KERNEL_BITS = 8, BOX_BITS = 24, BOXES = 3 };

/* The weights are rounded outside in, each with the error of those before; the middle takes what is left. */
enum ltd_status gaussian_kernel_init(struct gaussian_kernel *kernel, int sigma, struct ltd_error *err)
{
    const int reach = (int)(2.5 * sigma + 0.5);
    double sum = 0, error = 0;
    int left = 1 << KERNEL_BITS;

    *kernel = (struct gaussian_kernel){reach, calloc((size_t)(2 * reach + 1), sizeof *kernel->weights)};
    if (!kernel->weights)
        return ltd_fail(err, LTD_ENOMEM, "no memory to blur a mask");
    for (int i = -reach; i <= reach; i++)
        sum += exp(-0.5 * i * i / ((double)sigma * sigma));
    for (int i = 0; i < reach; i++) {
        const double x = i - reach, exact = exp(-0.5 * x * x / ((double)sigma * sigma)) / sum;
        const double weight = exact * (1 << KERNEL_BITS) + error;

        kernel->weights[i] = kernel->weights[2 * reach - i] = (int)nearbyint(weight);
        error = weight - kernel->weights[i];
        left -= 2 * kernel->weights[i];
    }
    kernel->weights[reach] = left;
    return LTD_OK;
}

void gaussian_kernel_fini(struct gaussian_kernel *kernel)
{
    free(kernel->weights);
    *kernel = (struct gaussian_kernel){0};
}

static void copy_line(uint8_t *out, struct sample_line line)
{
    for (size_t i = 0; i < line.count; i++)
        out[i] = line.first[i * line.step];
}

/* ... 2 1 0 1 2 ... last-1 last last-1 ... */
static size_t mirrored(long at, size_t count)
{
    const long period = 2 * ((long)count - 1);

    if (period == 0)
        return 0;
    at %= period;
    if (at < 0)
        at += period;
    return (size_t)(at < (long)count ? at : period - at);
}

void gaussian_blur(struct sample_line line, const struct gaussian_kernel *kernel, uint8_t *scratch)
{
    const size_t reach = (size_t)kernel->reach;

    for (size_t i = 0; i < line.count + 2 * reach; i++)
        scratch[i] = line.first[mirrored((long)i - (long)reach, line.count) * line.step];
    for (size_t i = 0; i < line.count; i++) {
        int sum = 1 << (KERNEL_BITS - 1);

        for (size_t k = 0; k <= 2 * reach; k++)
            sum += kernel->weights[k] * scratch[i + k];
        line.first[i * line.step] = (uint8_t)(sum >> KERNEL_BITS);
    }
}

static uint8_t clamped(const uint8_t *samples, long at, size_t count)
{
    return samples[at < 0 ? 0 : at < (long)count ? at : (long)count - 1];
}

/* What each of so many boxes must be, for all of them to spread as a Gaussian of that radius does. */
static float box_radius(float radius)
{
    const float variance = radius * radius / BOXES;
    const float whole = floorf((sqrtf(12.0F * variance + 1.0F) - 1.0F) / 2.0F);
    const float above = (2 * whole + 1) * (whole * (whole + 1) - 3 * variance);

    return whole + above / (6 * (variance - (whole + 1) * (whole + 1)));
}

void box_blur(struct sample_line line, float radius, uint8_t *scratch)
{
    const float box = box_radius(radius);
    const long reach = (long)box;
    const uint32_t inner = (uint32_t)((float)(1 << BOX_BITS) / (box * 2 + 1));
    const uint32_t edge = (uint32_t)((1 << BOX_BITS) - (reach * 2 + 1) * (long)inner) / 2;

    for (int i = 0; i < BOXES && radius > 0; i++) {
        uint32_t sum = 0;

        copy_line(scratch, line);
        for (long k = -reach; k <= reach; k++)
            sum += clamped(scratch, k, line.count);
        for (long at = 0; at < (long)line.count; at++) {
            const uint32_t edges = (uint32_t)clamped(scratch, at - reach - 1, line.count) +
                                   clamped(scratch, at + reach + 1, line.count);

            line.first[(size_t)at * line.step] =
                (uint8_t)((sum * inner + edges * edge + (1U << (BOX_BITS - 1))) >> BOX_BITS);
            sum += clamped(scratch, at + reach + 1, line.count);
            sum -= clamped(scratch, at - reach, line.count);
        }
    }
}
