#include "sampling/guidance_sum.h"

#include <string.h>

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
}
