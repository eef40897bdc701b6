#include "random_values.h"

#include <stdio.h>
#include <stdlib.h>

#include "definitions.h"

uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

size_t random_size(uint64_t *state, size_t min, size_t max)
{
    return min + (size_t)(random_next(state) % (max - min + 1));
}

void *allocate(size_t count, size_t size)
{
    void *data = calloc(count + 1, size);

    if (!data) {
        fprintf(stderr, "no memory for the test\n");
        abort();
    }
    return data;
}

float *random_values(uint64_t seed, size_t n)
{
    float *values = allocate(n, sizeof *values);

    for (size_t i = 0; i < n; i++)
        values[i] = (float)(random_next(&seed) >> 40) * 0x1p-23f - 1.0f;
    return values;
}

struct tensor random_tensor(uint64_t seed, size_t n, size_t h, size_t w, size_t c)
{
    return (struct tensor){random_values(seed, n * h * w * c), n, h, w, c};
}

struct tensor zero_tensor(size_t n, size_t h, size_t w, size_t c)
{
    return (struct tensor){allocate(n * h * w * c, sizeof(float)), n, h, w, c};
}

/* A sign, any significand, and an exponent of -8 to 0. */
static uint16_t random_code(uint64_t *state, enum dtype dtype)
{
    const uint64_t bits = random_next(state);
    const int significand = dtype == DTYPE_F16 ? 10 : 7, bias = dtype == DTYPE_F16 ? 15 : 127;
    const uint64_t exponent = (uint64_t)bias - bits % 9;

    return (uint16_t)((bits >> 63) << 15 | exponent << significand |
                      ((bits >> 32) & ((1u << significand) - 1)));
}

void *random_weights(uint64_t seed, enum dtype dtype, size_t n, float *values)
{
    uint16_t *codes;

    if (dtype == DTYPE_F32) {
        float *weights = random_values(seed, n);

        for (size_t i = 0; i < n; i++)
            values[i] = weights[i];
        return weights;
    }
    codes = allocate(n, sizeof *codes);
    for (size_t i = 0; i < n; i++) {
        codes[i] = random_code(&seed, dtype);
        values[i] = (float)(dtype == DTYPE_F16 ? f16_by_definition(codes[i]) : bf16_by_definition(codes[i]));
    }
    return codes;
}
