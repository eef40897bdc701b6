#include "sampling/guidance_sum.h"

#include <math.h>
#include <string.h>

/* The standard deviation of x [n], but for a factor that depends on n alone. */
static double spread(const float *x, size_t n)
{
    double mean = 0, square = 0;

    for (size_t i = 0; i < n; i++)
        mean += (double)x[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        square += ((double)x[i] - mean) * ((double)x[i] - mean);
    return sqrt(square);
}

/* In the order in which diffusers rounds it. */
static void rescale(float *out, size_t n, const float *part, double share)
{
    const float factor = (float)spread(part, n) / (float)spread(out, n);

    for (size_t i = 0; i < n; i++)
        out[i] = (float)share * (out[i] * factor) + (float)(1 - share) * out[i];
}

void guidance_sum(const struct guidance_sum *s, float *out, const float *rows, size_t n)
{
    const float *parts = s->guided ? rows + n : rows;
    const double scale = s->guided ? s->scale : 1;

    if (!s->guided && s->parts == 1) {
        memmove(out, rows, n * sizeof *out);
        return;
    }
    /* Value by value, since out may be what is read. */
    for (size_t i = 0; i < n; i++) {
        const float base = rows[i];
        float sum = base;

        for (size_t k = 0; k < s->parts; k++)
            sum += (float)(s->weights[k] * scale) * (parts[k * n + i] - base);
        out[i] = sum;
    }
    if (s->rescale > 0)
        rescale(out, n, parts, s->rescale);
}

void guidance_sum_with_image(const struct guidance_sum *s, double image_scale, float *rows, size_t n)
{
    float *seen = rows + n;

    for (size_t i = 0; i < n; i++)
        rows[i] = (float)(image_scale - 1) * (seen[i] - rows[i]);
    guidance_sum(s, seen, seen, n);
    for (size_t i = 0; i < n; i++)
        rows[i] += seen[i];
}
