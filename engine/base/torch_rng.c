#include "base/torch_rng.h"

#include <math.h>

enum { STATE = 624, MIDDLE = 397, BLOCK = 16 };

void torch_rng_init(struct torch_rng *rng, uint64_t seed)
{
    uint32_t word = (uint32_t)seed;

    for (uint32_t i = 0; i < STATE; i++) {
        rng->state[i] = word;
        word = 1812433253U * (word ^ (word >> 30)) + i + 1;
    }
    rng->next = STATE;
    rng->has_cached = false;
    rng->cached = 0;
}

static uint32_t twist(uint32_t high, uint32_t low, uint32_t middle)
{
    const uint32_t mixed = (high & 0x80000000U) | (low & 0x7fffffffU);

    return middle ^ (mixed >> 1) ^ (low & 1U ? 0x9908b0dfU : 0U);
}

static void regenerate(struct torch_rng *rng)
{
    uint32_t *s = rng->state;

    for (int i = 0; i < STATE; i++)
        s[i] = twist(s[i], s[(i + 1) % STATE], s[(i + MIDDLE) % STATE]);
    rng->next = 0;
}

static uint32_t draw_word(struct torch_rng *rng)
{
    uint32_t y;

    if (rng->next >= STATE)
        regenerate(rng);
    y = rng->state[rng->next++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680U;
    y ^= (y << 15) & 0xefc60000U;
    return y ^ (y >> 18);
}

/* 24 bits, in [0, 1). */
static float draw_uniform_f32(struct torch_rng *rng)
{
    return (float)(draw_word(rng) & 0xffffffU) * 0x1p-24F;
}

/* 53 bits of two words, the first one the high one, in [0, 1). */
static double draw_uniform_f64(struct torch_rng *rng)
{
    const uint64_t high = draw_word(rng);
    const uint64_t both = high << 32 | draw_word(rng);

    return (double)(both & ((UINT64_C(1) << 53) - 1)) * 0x1p-53;
}

static double draw_normal_f64(struct torch_rng *rng)
{
    double radius, angle;

    if (rng->has_cached) {
        rng->has_cached = false;
        return rng->cached;
    }
    angle = 2.0 * M_PI * draw_uniform_f64(rng);
    radius = sqrt(-2.0 * log1p(-draw_uniform_f64(rng)));
    rng->cached = radius * sin(angle);
    rng->has_cached = true;
    return radius * cos(angle);
}

/* Box-Muller in place: value j pairs with value j + 8. */
static void transform_block(float *block)
{
    for (int j = 0; j < BLOCK / 2; j++) {
        const float radius = sqrtf(-2.0F * logf(1.0F - block[j]));
        const float angle = (float)(2.0 * M_PI) * block[j + BLOCK / 2];

        block[j] = radius * cosf(angle);
        block[j + BLOCK / 2] = radius * sinf(angle);
    }
}

void torch_rng_normal(struct torch_rng *rng, float *out, size_t n)
{
    if (n < BLOCK) {
        for (size_t i = 0; i < n; i++)
            out[i] = (float)draw_normal_f64(rng);
        return;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = draw_uniform_f32(rng);
    for (size_t i = 0; i + BLOCK <= n; i += BLOCK)
        transform_block(out + i);
    if (n % BLOCK != 0) {
        /* The last whole block is drawn again, over values that were already done. */
        float *last = out + (n - BLOCK);

        for (int j = 0; j < BLOCK; j++)
            last[j] = draw_uniform_f32(rng);
        transform_block(last);
    }
}
