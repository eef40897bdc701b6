#include "kernels/dequantize.h"

#include <stdint.h>
#include <string.h>

#include "kernels/vector_ops.h"

#define MOST_VALUES 256
#define HALF        16 /* values of half a block of 32 */

static uint16_t read_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

/* The f16 number at this address. */
static float read_scale(const uint8_t *at)
{
    const uint16_t bits = read_u16(at);
    float value;

    vector_ops()->f16_to_f32(&value, &bits, 1);
    return value;
}

/* ---- blocks of 32: the low halves of 16 bytes, then the high ones ---- */

static void q4_0(float *out, const uint8_t *b)
{
    const float d = read_scale(b);

    for (int i = 0; i < HALF; i++) {
        out[i] = d * (float)((b[2 + i] & 15) - 8);
        out[i + HALF] = d * (float)((b[2 + i] >> 4) - 8);
    }
}

static void q4_1(float *out, const uint8_t *b)
{
    const float d = read_scale(b), m = read_scale(b + 2);

    for (int i = 0; i < HALF; i++) {
        out[i] = d * (float)(b[4 + i] & 15) + m;
        out[i + HALF] = d * (float)(b[4 + i] >> 4) + m;
    }
}

/* The fifth bits stand in 32 bits before the bytes. */
static uint32_t read_high(const uint8_t *at)
{
    return (uint32_t)read_u16(at) | (uint32_t)read_u16(at + 2) << 16;
}

static void q5_0(float *out, const uint8_t *b)
{
    const float d = read_scale(b);
    const uint32_t high = read_high(b + 2);

    for (int i = 0; i < HALF; i++) {
        out[i] = d * (float)((int)((b[6 + i] & 15) | (high >> i & 1) << 4) - 16);
        out[i + HALF] = d * (float)((int)(b[6 + i] >> 4 | (high >> (i + HALF) & 1) << 4) - 16);
    }
}

static void q5_1(float *out, const uint8_t *b)
{
    const float d = read_scale(b), m = read_scale(b + 2);
    const uint32_t high = read_high(b + 4);

    for (int i = 0; i < HALF; i++) {
        out[i] = d * (float)((b[8 + i] & 15) | (high >> i & 1) << 4) + m;
        out[i + HALF] = d * (float)(b[8 + i] >> 4 | (high >> (i + HALF) & 1) << 4) + m;
    }
}

static void q8_0(float *out, const uint8_t *b)
{
    const float d = read_scale(b);

    for (int i = 0; i < 2 * HALF; i++)
        out[i] = d * (float)(int8_t)b[2 + i];
}

/* ---- blocks of 256: runs of 16 or 32 values with a scale each ---- */

/* scales [16]: 4 bits of a scale and 4 of a minimum; 64 bytes of 2 bits a value; two f16 numbers */
static void q2_k(float *out, const uint8_t *b)
{
    const float d = read_scale(b + 80), m = read_scale(b + 82);

    for (int run = 0; run < 16; run++) {
        const uint8_t *bytes = b + 16 + run / 8 * 32 + run % 2 * 16;
        const float scale = d * (float)(b[run] & 15), least = m * (float)(b[run] >> 4);
        const int shift = run / 2 % 4 * 2;

        for (int i = 0; i < 16; i++)
            *out++ = scale * (float)(bytes[i] >> shift & 3) - least;
    }
}

/* 32 bytes with a third bit of every value, which is -4 where it is 0; 64 bytes of 2 bits a value; 16 scales
 * of 6 bits in 12 bytes: the low 4 bits of two in each of 8 bytes, the high 2 of four in each of 4; an f16
 * number */
static void q3_k(float *out, const uint8_t *b)
{
    const uint8_t *packed = b + 96;
    const float d = read_scale(b + 108);

    for (int run = 0; run < 16; run++) {
        const uint8_t *bytes = b + 32 + run / 8 * 32 + run % 2 * 16, *high = b + run % 2 * 16;
        const int low = packed[run % 8] >> run / 8 * 4 & 15, top = packed[8 + run % 4] >> run / 4 * 2 & 3;
        const float scale = d * (float)((low | top << 4) - 32);
        const int shift = run / 2 % 4 * 2, bit = run / 2;

        for (int i = 0; i < 16; i++)
            *out++ = scale * (float)((bytes[i] >> shift & 3) - (high[i] >> bit & 1 ? 0 : 4));
    }
}

/* Scale and minimum of a run of 32, of 6 bits each, in 12 bytes: the first four of both kinds in 4 bytes
 * each, whose top bits are those of the others, and 4 low bits of both in one byte each. */
static void unpack_k(const uint8_t *packed, int run, int *scale, int *least)
{
    const int i = run % 4;

    if (run < 4) {
        *scale = packed[i] & 63;
        *least = packed[4 + i] & 63;
    } else {
        *scale = (packed[8 + i] & 15) | packed[i] >> 6 << 4;
        *least = packed[8 + i] >> 4 | packed[4 + i] >> 6 << 4;
    }
}

/* high: 32 bytes with a fifth bit of every value, or NULL */
static void runs_k(float *out, const uint8_t *b, const uint8_t *high, const uint8_t *bytes)
{
    const float d = read_scale(b), m = read_scale(b + 2);

    for (int run = 0; run < 8; run++) {
        const uint8_t *at = bytes + run / 2 * 32;
        const int shift = run % 2 * 4;
        int scale, least;
        float each, all;

        unpack_k(b + 4, run, &scale, &least);
        each = d * (float)scale;
        all = m * (float)least;
        for (int i = 0; i < 32; i++)
            *out++ = each * (float)((at[i] >> shift & 15) | (high ? (high[i] >> run & 1) << 4 : 0)) - all;
    }
}

static void q4_k(float *out, const uint8_t *b)
{
    runs_k(out, b, NULL, b + 16);
}

static void q5_k(float *out, const uint8_t *b)
{
    runs_k(out, b, b + 16, b + 48);
}

/* 128 bytes of the low 4 bits, 64 of the high 2; 16 scales of 8 bits; an f16 number */
static void q6_k(float *out, const uint8_t *b)
{
    const float d = read_scale(b + 208);

    for (int run = 0; run < 16; run++) {
        const int half = run / 8, quarter = run / 2 % 4, side = run % 2 * 16;
        const uint8_t *low = b + half * 64 + quarter % 2 * 32 + side, *high = b + 128 + half * 32 + side;
        const float scale = d * (float)(int8_t)b[192 + run];

        for (int i = 0; i < 16; i++)
            *out++ =
                scale * (float)(((low[i] >> quarter / 2 * 4 & 15) | (high[i] >> quarter * 2 & 3) << 4) - 32);
    }
}

static void (*const block_fns[DTYPE_COUNT])(float *out, const uint8_t *block) = {
    [DTYPE_Q4_0] = q4_0, [DTYPE_Q4_1] = q4_1, [DTYPE_Q5_0] = q5_0, [DTYPE_Q5_1] = q5_1, [DTYPE_Q8_0] = q8_0,
    [DTYPE_Q2_K] = q2_k, [DTYPE_Q3_K] = q3_k, [DTYPE_Q4_K] = q4_k, [DTYPE_Q5_K] = q5_k, [DTYPE_Q6_K] = q6_k,
};

void dequantize(float *out, enum dtype dtype, const void *blocks, size_t first, size_t count)
{
    const size_t values = dtype_layouts[dtype].values, bytes = dtype_layouts[dtype].bytes;
    const uint8_t *block = (const uint8_t *)blocks + first / values * bytes;

    for (size_t at = first % values; count > 0; block += bytes, at = 0) {
        const size_t here = count < values - at ? count : values - at;
        float whole[MOST_VALUES];

        if (here == values) {
            block_fns[dtype](out, block);
        } else {
            block_fns[dtype](whole, block);
            memcpy(out, whole + at, here * sizeof *out);
        }
        out += here;
        count -= here;
    }
}
