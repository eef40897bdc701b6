/*
 * vector_ops_isa.c - the routines of vector_ops.def, compiled once for each instruction-set level.
 *
 * Plain C that the compiler vectorises: meson builds it with the flags of each level and VECTOR_ISA set to
 * its name.  Sums run in a fixed number of lanes, so the order of additions does not depend on the level's
 * width.
 */
#include "kernels/vector_ops.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#if defined(__F16C__)
#include <immintrin.h>
#endif

#define LANES 32

static inline float bits_to_float(uint32_t bits)
{
    float f;

    memcpy(&f, &bits, sizeof f);
    return f;
}

/* e^x to 2 ulp for all finite x; 0 below -87.3, 2.2e38 above 88.3.  Cody-Waite reduction to |r| <= ln(2)/2
 * and the Taylor series. */
static inline float exp_f32(float x)
{
    const float clamped = x < -87.3f ? -87.3f : x > 88.3f ? 88.3f : x;
    /* Adding 1.5 * 2^23 rounds to an integer, which then stands in the low bits. */
    const float shifted = clamped * 1.44269504f + 12582912.0f;
    const float n = shifted - 12582912.0f;
    const float r = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.0f / 5040;
    uint32_t power;

    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    memcpy(&power, &shifted, sizeof power);
    power = (power + 127) << 23;
    return x < -87.3f ? 0.0f : p * bits_to_float(power);
}

static inline float sigmoid(float x)
{
    return 1.0f / (1.0f + exp_f32(-x));
}

/* Complementary error function for z >= 0 by the Chebyshev fit of Numerical Recipes (erfcc): 1.2e-7 relative
 * everywhere, so gelu keeps its accuracy where it is close to 0. */
static inline float erfc_positive(float z)
{
    const float t = 1.0f / (1.0f + 0.5f * z);
    float p = 0.17087277f;

    p = p * t - 0.82215223f;
    p = p * t + 1.48851587f;
    p = p * t - 1.13520398f;
    p = p * t + 0.27886807f;
    p = p * t - 0.18628806f;
    p = p * t + 0.09678418f;
    p = p * t + 0.37409196f;
    p = p * t + 1.00002368f;
    p = p * t - 1.26551223f;
    return t * exp_f32(p - z * z);
}

static inline float gelu_f32(float x)
{
    const float half_tail = 0.5f * erfc_positive(fabsf(x) * 0.70710678f);

    return x * (x < 0 ? half_tail : 1.0f - half_tail);
}

static float f16_value(uint16_t x)
{
    const uint32_t magnitude = (uint32_t)(x & 0x7fff) << 13, sign = (uint32_t)(x & 0x8000) << 16;
    /* Scaling by 2^112 moves the exponent bias from 15 to 127, and normalises subnormals. */
    const float scaled = bits_to_float(magnitude) * 0x1p112f;
    uint32_t bits;

    memcpy(&bits, &scaled, sizeof bits);
    bits |= magnitude >= 0x0f800000 ? 0x7f800000 : 0; /* infinity and NaN */
    return bits_to_float(bits | sign);
}

static void f16_to_f32(float *out, const uint16_t *x, size_t n)
{
    size_t i = 0;

    /* Where the processor has an instruction for it; no compiler finds it in the arithmetic. */
#if defined(__AVX512F__)
    for (; i + 16 <= n; i += 16)
        _mm512_storeu_ps(out + i, _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(x + i))));
#elif defined(__F16C__)
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(x + i))));
#endif
    for (; i < n; i++)
        out[i] = f16_value(x[i]);
}

static void bf16_to_f32(float *out, const uint16_t *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = bits_to_float((uint32_t)x[i] << 16);
}

static void silu(float *out, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = x[i] * sigmoid(x[i]);
}

static void quick_gelu(float *out, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = x[i] * sigmoid(1.702f * x[i]);
}

static void gelu(float *out, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = gelu_f32(x[i]);
}

/* What is no number stays none. */
static void relu(float *out, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = x[i] < 0 ? 0 : x[i];
}

static void mul_gelu(float *out, const float *x, const float *gate, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = x[i] * gelu_f32(gate[i]);
}

static void add_to(float *out, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] += x[i];
}

static void scaled_add(float *out, const float *x, const float *y, float scale, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = x[i] + y[i] * scale;
}

static void leaky_relu(float *out, const float *x, const float *slope, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = x[i] < 0 ? x[i] * slope[i] : x[i];
}

static void affine(float *out, const float *x, const float *scale, const float *shift, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = x[i] * scale[i] + shift[i];
}

static void affine_silu(float *out, const float *x, const float *scale, const float *shift, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const float y = x[i] * scale[i] + shift[i];

        out[i] = y * sigmoid(y);
    }
}

static void add_moments(double *sum, double *square, const float *x, size_t rows, size_t n)
{
    /* Four rows for one look at the sums. */
    for (; rows >= 4; rows -= 4, x += 4 * n)
        for (size_t i = 0; i < n; i++) {
            const double a = (double)x[i], b = (double)x[n + i];
            const double c = (double)x[2 * n + i], d = (double)x[3 * n + i];

            sum[i] += (a + b) + (c + d);
            square[i] += (a * a + b * b) + (c * c + d * d);
        }
    for (; rows > 0; rows--, x += n)
        for (size_t i = 0; i < n; i++) {
            const double a = (double)x[i];

            sum[i] += a;
            square[i] += a * a;
        }
}

/* The sum of x - offset, or of its squares, over n values. */
static inline double lane_sum(const float *x, float offset, bool squares, size_t n)
{
    float sum[LANES] = {0};
    double total = 0;
    size_t i = 0;

    for (; i + LANES <= n; i += LANES)
        for (size_t j = 0; j < LANES; j++) {
            const float d = x[i + j] - offset;

            sum[j] += squares ? d * d : d;
        }
    for (size_t j = 0; i + j < n; j++) {
        const float d = x[i + j] - offset;

        sum[j] += squares ? d * d : d;
    }
    for (size_t j = 0; j < LANES; j++)
        total += (double)sum[j];
    return total;
}

static void normalize(float *out, const float *x, const float *gamma, const float *beta, double eps, size_t n)
{
    const double count = (double)n;
    /* The first value is as good a guess of the mean as any, and takes a common offset out of the sums. */
    const float mean = (float)((double)x[0] + lane_sum(x, x[0], false, n) / count);
    const float inverse = (float)(1.0 / sqrt(lane_sum(x, mean, true, n) / count + eps));

    for (size_t i = 0; i < n; i++)
        out[i] = (x[i] - mean) * inverse * gamma[i] + beta[i];
}

#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)
#define TEXT_(a)    #a
#define TEXT(a)     TEXT_(a)

extern const struct vector_ops JOIN(vector_ops_, VECTOR_ISA);
const struct vector_ops JOIN(vector_ops_, VECTOR_ISA) = {
    .isa = TEXT(VECTOR_ISA),
#define VECTOR_OP(type, name, parameters) .name = name,
#include "kernels/vector_ops.def"
#undef VECTOR_OP
};
