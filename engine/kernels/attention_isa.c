/*
 * attention_isa.c - attention by blocks of keys, compiled once for each instruction-set level.
 *
 * A vector holds one value of LANES queries, so that maxima, sums and the rescaling of what came before are
 * plain vector operations, and keys and values need no transposing: their values are broadcast.  Both
 * products are the same loop over registers, ROWS broadcast values by VECTORS vectors of queries.
 *
 * Sums run within a block of keys first and then over the blocks, which keeps their rounding errors small.
 */
#include "kernels/attention_isa.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "kernels/bf16_pairs.h"
#include "kernels/lanes.h"

/* Of 32 registers of 16 values, or 16 of 8 or 4: ROWS * VECTORS sums, VECTORS factors, one broadcast (and
 * without fused multiply-add one product). */
#if defined(__AVX512F__)
#define VECTORS 4
#elif defined(__AVX2__)
#define VECTORS 3
#else
#define VECTORS 2
#endif
#define ROWS  4
#define PANEL (LANES * VECTORS)

/* Channels of one pass over the keys: a panel of queries stays in the L1 cache meanwhile. */
#define DEPTH 160

typedef float float4 __attribute__((vector_size(16), may_alias));

/* Of the two, y where one is not a number. */
static inline vec larger(vec x, vec y)
{
#if defined(__AVX512F__)
    return (vec)_mm512_max_ps((__m512)x, (__m512)y);
#elif defined(__AVX2__)
    return (vec)_mm256_max_ps((__m256)x, (__m256)y);
#elif defined(__SSE2__)
    return (vec)_mm_max_ps((__m128)x, (__m128)y);
#else
    for (size_t i = 0; i < LANES; i++)
        y[i] = x[i] > y[i] ? x[i] : y[i];
    return y;
#endif
}

static inline vec splat(float x)
{
    return x - (vec){0};
}

/* 2^x for x <= 0, to an ulp; 2^-100 for what is less, which is nothing beside the largest term's 1 and yet no
 * denormal number.  The minimax polynomial of 2^f on |f| <= 1/2 is off by 2e-9. */
static inline vec exp2_below_1(vec x)
{
    const vec clamped = larger(splat(-100.0f), x);
    /* Adding 1.5 * 2^23 rounds to an integer, which then stands in the low bits. */
    const vec shifted = clamped + 12582912.0f;
    const vec f = clamped - (shifted - 12582912.0f);
    vec p = f * 0.000153533620f + 0.00133988750f;

    p = p * f + 0.00961843692f;
    p = p * f + 0.0555033237f;
    p = p * f + 0.240226477f;
    p = p * f + 0.693147182f;
    p = p * f + 1.0f;
    return (vec)((bits)p + ((bits)shifted << 23));
}

/* sums [ROWS][VECTORS] = a b over the depth: value, or pair of bf16, i of row r is a[r * row + i * step], and
 * b is [depth][VECTORS]. */
ALWAYS_INLINE void product(const bool pairs, vec sums[ROWS][VECTORS], const float *a, size_t row, size_t step,
                           const vec *b, size_t depth)
{
    vec c[ROWS][VECTORS] = {0};

    for (size_t i = 0; i < depth; i++, a += step, b += VECTORS)
        for (size_t r = 0; r < ROWS; r++)
            for (size_t v = 0; v < VECTORS; v++) {
                if (pairs)
                    c[r][v] = dot_pairs(c[r][v], b[v], splat_pair(a + r * row));
                else
                    c[r][v] += a[r * row] * b[v];
            }
    for (size_t r = 0; r < ROWS; r++)
        for (size_t v = 0; v < VECTORS; v++)
            sums[r][v] = c[r][v];
}

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

/* The parts of a tile's scratch; a panel is PANEL queries.  With bf16, two channels of q and k, and two keys
 * of the weights and of v, stand where one of f32 would, in half the room. */
struct parts {
    vec *q;         /* [panels][d][VECTORS], scaled by scale / ln(2), so that weights are powers of 2 */
    vec *out;       /* [panels][channels][VECTORS], d rounded up to ROWS */
    vec *max, *sum; /* [panels][VECTORS] of the blocks so far */
    vec *scores;    /* [block rounded up to ROWS][VECTORS], then weights */
    float *k;       /* [block rounded up to ROWS][d] */
    float *v;       /* [channels / ROWS][block][ROWS] */
    size_t panels, channels;
    size_t depth; /* d, or pairs of it */
};

static size_t scratch_bytes(size_t rows, size_t d, size_t block)
{
    const size_t panels = round_up(rows, PANEL) / PANEL, channels = round_up(d, ROWS);
    const size_t keys = round_up(block, ROWS);

    return (panels * (d + channels + 2) + keys) * VECTORS * sizeof(vec) +
           (keys * d + channels * block) * sizeof(float);
}

static struct parts divide_scratch(const struct attention_tile *t, void *scratch)
{
    struct parts p = {.panels = round_up(t->rows, PANEL) / PANEL,
                      .channels = round_up(t->d, ROWS),
                      .depth = t->bf16 ? (t->d + 1) / 2 : t->d};
    const size_t keys = round_up(t->block, ROWS);

    p.q = scratch;
    p.out = p.q + p.panels * t->d * VECTORS;
    p.max = p.out + p.panels * p.channels * VECTORS;
    p.sum = p.max + p.panels * VECTORS;
    p.scores = p.sum + p.panels * VECTORS;
    p.k = (float *)(p.scores + keys * VECTORS);
    p.v = p.k + keys * t->d;
    return p;
}

/* The rows and columns of a 4 x 4 block change places. */
static inline void transpose(float4 m[4])
{
    const float4 a = __builtin_shufflevector(m[0], m[1], 0, 4, 1, 5);
    const float4 b = __builtin_shufflevector(m[0], m[1], 2, 6, 3, 7);
    const float4 c = __builtin_shufflevector(m[2], m[3], 0, 4, 1, 5);
    const float4 d = __builtin_shufflevector(m[2], m[3], 2, 6, 3, 7);

    m[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5);
    m[1] = __builtin_shufflevector(a, c, 2, 3, 6, 7);
    m[2] = __builtin_shufflevector(b, d, 0, 1, 4, 5);
    m[3] = __builtin_shufflevector(b, d, 2, 3, 6, 7);
}

/* Four queries side by side in a panel; where there are fewer, the last one again. */
static void place_queries(const struct attention_tile *t, const struct parts *p, float *to, size_t row,
                          float scale)
{
    float *from[4];
    size_t i = 0;

    for (size_t r = 0; r < 4; r++) {
        const float *query = t->q + (row + r < t->rows ? row + r : t->rows - 1) * t->stride;

        /* Where the keys will be, which have room for four rows. */
        from[r] = p->k + r * p->depth;
        if (t->bf16)
            narrow_row(from[r], query, t->d, scale);
        else
            for (size_t c = 0; c < t->d; c++)
                from[r][c] = query[c] * scale;
    }
    for (; i + 4 <= p->depth; i += 4) {
        float4 m[4];

        for (size_t r = 0; r < 4; r++)
            memcpy(&m[r], from[r] + i, sizeof m[r]);
        transpose(m);
        for (size_t r = 0; r < 4; r++)
            *(float4 *)(to + (i + r) * PANEL) = m[r];
    }
    for (; i < p->depth; i++)
        for (size_t r = 0; r < 4; r++)
            memcpy(to + i * PANEL + r, from[r] + i, sizeof *to);
}

static void start_panels(const struct attention_tile *t, const struct parts *p)
{
    for (size_t row = 0; row < p->panels * PANEL; row += 4)
        place_queries(t, p, (float *)(p->q + row / PANEL * p->depth * VECTORS) + row % PANEL, row,
                      t->scale * 1.44269504f);
    for (size_t i = 0; i < p->panels * VECTORS; i++) {
        p->max[i] = splat(-INFINITY);
        p->sum[i] = splat(0);
    }
    memset(p->out, 0, p->panels * p->channels * VECTORS * sizeof *p->out);
}

/* The values of key `row`, at place j of so many in a block. */
static void copy_value(const struct attention_tile *t, const struct parts *p, size_t row, size_t places,
                       size_t j)
{
    const float *from = t->v + row * t->stride;

    for (size_t i = 0; i < t->d / ROWS * ROWS; i += ROWS)
        memcpy(p->v + i * places + j * ROWS, from + i, ROWS * sizeof *from);
    for (size_t i = t->d / ROWS * ROWS; i < p->channels; i++)
        p->v[i / ROWS * ROWS * places + j * ROWS + i % ROWS] = i < t->d ? from[i] : 0;
}

/* Pairs of the values of key `row` and the next one, or 0 without that. */
static void copy_two_values(const struct attention_tile *t, const struct parts *p, size_t row, size_t places,
                            size_t j, bool two)
{
    const float *first = t->v + row * t->stride;

    for (size_t i = 0; i < p->channels; i += LANES) {
        const size_t there = i >= t->d ? 0 : t->d - i < LANES ? t->d - i : LANES;
        vec a = {0}, b = {0}, pairs;

        memcpy(&a, first + i, there * sizeof(float));
        if (two)
            memcpy(&b, first + t->stride + i, there * sizeof(float));
        pairs = pair_lanes(a, b);
        for (size_t c = 0; c < LANES && i + c < p->channels; c += ROWS)
            memcpy(p->v + (i + c) * places + j * ROWS, (const float *)&pairs + c, ROWS * sizeof(float));
    }
}

static void copy_block(const struct attention_tile *t, const struct parts *p, size_t first, size_t keys)
{
    for (size_t j = 0; j < round_up(keys, ROWS); j++) {
        /* The last key again where there is none: it does not change the maximum. */
        const size_t row = (first + (j < keys ? j : keys - 1)) * t->stride;

        if (t->bf16)
            narrow_row(p->k + j * p->depth, t->k + row, t->d, 1.0f);
        else
            memcpy(p->k + j * t->d, t->k + row, t->d * sizeof *p->k);
    }
    if (t->bf16)
        for (size_t j = 0; j < keys; j += 2)
            copy_two_values(t, p, first + j, (keys + 1) / 2, j / 2, j + 1 < keys);
    else
        for (size_t j = 0; j < keys; j++)
            copy_value(t, p, first + j, keys, j);
}

/* scores [keys][VECTORS] = k q */
ALWAYS_INLINE void score(const bool pairs, const struct parts *p, const vec *q, size_t keys)
{
    for (size_t at = 0; at < p->depth; at += DEPTH) {
        const size_t depth = p->depth - at < DEPTH ? p->depth - at : DEPTH;

        for (size_t j = 0; j < keys; j += ROWS) {
            vec c[ROWS][VECTORS];

            product(pairs, c, p->k + j * p->depth + at, p->depth, 1, q + at * VECTORS, depth);
            for (size_t r = 0; r < ROWS; r++)
                for (size_t v = 0; v < VECTORS; v++) {
                    vec *s = p->scores + (j + r) * VECTORS + v;

                    if (at > 0)
                        c[r][v] += *s;
                    *s = c[r][v];
                }
        }
    }
}

/* What the queries of a panel may not see of a block of keys: key j is hidden from query i if i + seen < j.
 */
struct mask {
    bool used;
    ptrdiff_t seen;
};

/* Sets the hidden scores, or weights, to a value. */
static void hide(vec *scores, size_t keys, const struct mask *mask, float value)
{
    for (size_t j = 0; j < keys; j++)
        for (size_t i = 0; i < PANEL; i++)
            if ((ptrdiff_t)i + mask->seen < (ptrdiff_t)j)
                ((float *)scores)[j * PANEL + i] = value;
}

static void find_max(const vec *scores, size_t keys, vec *max)
{
    for (size_t j = 0; j < keys; j++)
        for (size_t v = 0; v < VECTORS; v++)
            max[v] = larger(max[v], scores[j * VECTORS + v]);
}

/* scores = 2^(scores - max); sum [VECTORS] = what they add up to */
static void weigh(vec *scores, size_t keys, const vec *max, vec *sum)
{
    vec m[VECTORS], s[VECTORS] = {0};

    memcpy(m, max, sizeof m);
    for (size_t j = 0; j < keys; j++)
        for (size_t v = 0; v < VECTORS; v++) {
            const vec weight = exp2_below_1(scores[j * VECTORS + v] - m[v]);

            scores[j * VECTORS + v] = weight;
            s[v] += weight;
        }
    memcpy(sum, s, sizeof s);
}

/* Pairs of two keys' weights each, in place; the last one's partner is 0 where keys is odd. */
static void pair_weights(vec *weights, size_t keys)
{
    for (size_t j = 0; j < keys; j += 2)
        for (size_t v = 0; v < VECTORS; v++)
            weights[j / 2 * VECTORS + v] = pair_lanes(
                weights[j * VECTORS + v], j + 1 < keys ? weights[(j + 1) * VECTORS + v] : (vec){0});
}

/* out [channels][VECTORS] = out * fade + values^T weights; keys: or pairs of them */
ALWAYS_INLINE void add_values(const bool pairs, const struct parts *p, vec *out, size_t keys, const vec *fade)
{
    for (size_t i = 0; i < p->channels; i += ROWS) {
        vec c[ROWS][VECTORS];

        product(pairs, c, p->v + i * keys, 1, ROWS, p->scores, keys);
        for (size_t r = 0; r < ROWS; r++)
            for (size_t v = 0; v < VECTORS; v++)
                out[(i + r) * VECTORS + v] = out[(i + r) * VECTORS + v] * fade[v] + c[r][v];
    }
}

/* `pairs` is a constant where this is inlined. */
ALWAYS_INLINE void attend(const bool pairs, const struct parts *p, size_t panel, size_t keys,
                          const struct mask *mask)
{
    vec *max = p->max + panel * VECTORS, *sum = p->sum + panel * VECTORS;
    vec new_max[VECTORS], new_sum[VECTORS], fade[VECTORS];

    memcpy(new_max, max, sizeof new_max);
    score(pairs, p, p->q + panel * p->depth * VECTORS, keys);
    if (mask->used)
        hide(p->scores, keys, mask, -INFINITY);
    find_max(p->scores, keys, new_max);
    weigh(p->scores, keys, new_max, new_sum);
    if (mask->used)
        hide(p->scores, keys, mask, 0);
    for (size_t v = 0; v < VECTORS; v++) {
        fade[v] = exp2_below_1(max[v] - new_max[v]);
        sum[v] = sum[v] * fade[v] + new_sum[v];
        max[v] = new_max[v];
    }
    if (pairs)
        pair_weights(p->scores, keys);
    add_values(pairs, p, p->out + panel * p->channels * VECTORS, pairs ? (keys + 1) / 2 : keys, fade);
}

static void attend_panel(const struct attention_tile *t, const struct parts *p, size_t panel, size_t keys,
                         const struct mask *mask)
{
    if (t->bf16)
        attend(true, p, panel, keys, mask);
    else
        attend(false, p, panel, keys, mask);
}

/* The results of up to four queries side by side. */
static void place_results(const struct attention_tile *t, const float *from, size_t row, float4 factor)
{
    const size_t rows = t->rows - row < 4 ? t->rows - row : 4;

    for (size_t i = 0; i < t->d; i += 4) {
        const size_t width = t->d - i < 4 ? t->d - i : 4;
        float *to = t->out + row * t->stride + i;
        float4 m[4];

        for (size_t r = 0; r < 4; r++)
            m[r] = *(const float4 *)(from + (i + r) * PANEL) * factor;
        transpose(m);
        if (rows == 4 && width == 4)
            for (size_t r = 0; r < 4; r++)
                memcpy(to + r * t->stride, &m[r], sizeof m[r]);
        else
            for (size_t r = 0; r < rows; r++)
                memcpy(to + r * t->stride, &m[r], width * sizeof *to);
    }
}

static void finish_panels(const struct attention_tile *t, const struct parts *p)
{
    for (size_t row = 0; row < t->rows; row += 4) {
        const float *from = (const float *)(p->out + row / PANEL * p->channels * VECTORS) + row % PANEL;

        place_results(t, from, row, 1.0f / *(const float4 *)((const float *)p->sum + row));
    }
}

static void run(const struct attention_tile *t, void *scratch)
{
    const struct parts p = divide_scratch(t, scratch);

    start_panels(t, &p);
    for (size_t first = 0; first < t->keys; first += t->block) {
        const size_t keys = t->keys - first < t->block ? t->keys - first : t->block;

        if (t->cancel && atomic_load_explicit(t->cancel, memory_order_relaxed))
            return;
        copy_block(t, &p, first, keys);
        for (size_t panel = 0; panel < p.panels; panel++) {
            const size_t query = t->first + panel * PANEL;
            struct mask mask = {.seen = (ptrdiff_t)query - (ptrdiff_t)first};

            mask.used = t->causal && mask.seen + 1 < (ptrdiff_t)keys;
            if (!t->causal || first < query + PANEL)
                attend_panel(t, &p, panel, keys, &mask);
        }
    }
    finish_panels(t, &p);
}

#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)
#define TEXT_(a)    #a
#define TEXT(a)     TEXT_(a)

extern const struct attention_kernel JOIN(attention_kernel_, VECTOR_ISA);
const struct attention_kernel JOIN(attention_kernel_, VECTOR_ISA) = {
    .isa = TEXT(VECTOR_ISA), .panel = PANEL, .scratch_bytes = scratch_bytes, .run = run};
