/*
 * bf16_pairs.h - two bf16 values in each 4 bytes, the first in the low half: what products of bf16 take at a
 * time.
 *
 * For the files that are compiled once for each instruction-set level.  Where AVX512_BF16 is missing the same
 * is computed in f32, where products of bf16 are exact: the results are equal but for denormal numbers, which
 * the instructions take for 0.
 */
#ifndef BF16_PAIRS_H
#define BF16_PAIRS_H

#include <stddef.h>
#include <stdint.h>

#if defined(__AVX512BF16__)
#include <immintrin.h>
#endif

#include "kernels/lanes.h"

typedef uint32_t pair_anywhere __attribute__((may_alias));
typedef uint16_t bf16_anywhere __attribute__((may_alias));

/* sum + a.second * b.second, and then + a.first * b.first, for each lane */
ALWAYS_INLINE vec dot_pairs(vec sum, vec a, vec b)
{
#if defined(__AVX512BF16__)
    return (vec)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
#else
    const bits x = (bits)a, y = (bits)b;

    sum += (vec)(x & 0xffff0000u) * (vec)(y & 0xffff0000u);
    return sum + (vec)(x << 16) * (vec)(y << 16);
#endif
}

/* One pair in all lanes. */
ALWAYS_INLINE vec splat_pair(const void *pair)
{
    return (vec)((bits){0} | *(const pair_anywhere *)pair);
}

#if !defined(__AVX512BF16__)
/* Each value rounded to bf16, to even where it is in the middle, in the high half of its lane; what is not a
 * number stays so. */
static inline bits round_to_bf16(vec x)
{
    const bits b = (bits)x, number = (bits)(x == x);
    const bits rounded = b + 0x7fffu + (b >> 16 & 1u);

    return ((rounded & number) | (0x7fc00000u & ~number)) & 0xffff0000u;
}
#endif

/* The pairs (first, second) of each lane. */
static inline vec pair_lanes(vec first, vec second)
{
#if defined(__AVX512BF16__)
    const __m512i low = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)first));
    const __m512i high = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)second));

    return (vec)(low | _mm512_slli_epi32(high, 16));
#else
    return (vec)(round_to_bf16(second) | round_to_bf16(first) >> 16);
#endif
}

/* pairs [(n + 1) / 2] = values [n] * scale as bf16; where n is odd, the last one's partner is 0.  pairs may
 * begin where values does. */
static inline void narrow_row(void *pairs, const float *values, size_t n, float scale)
{
    bf16_anywhere *to = pairs;

#if defined(__AVX512BF16__)
    for (size_t i = 0; i < n; i += 32) {
        const size_t left = n - i < 32 ? n - i : 32;
        const uint32_t some = (uint32_t)((1ull << left) - 1),
                       whole = (uint32_t)((1ull << (left + left % 2)) - 1);
        const __m512 first = _mm512_maskz_loadu_ps((__mmask16)some, values + i) * scale;
        const __m512 second = _mm512_maskz_loadu_ps((__mmask16)(some >> 16), values + i + 16) * scale;

        _mm512_mask_storeu_epi16(to + i, whole, (__m512i)_mm512_cvtne2ps_pbh(second, first));
    }
#else
    for (size_t i = 0; i < n; i++)
        to[i] = (uint16_t)(round_to_bf16((vec){0} + values[i] * scale)[0] >> 16);
    if (n % 2)
        to[n] = 0;
#endif
}

#endif
