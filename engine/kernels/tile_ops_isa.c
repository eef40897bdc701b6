/*
 * tile_ops_isa.c - the routines of tile_ops.def, compiled once for each instruction-set level.
 *
 * In the vector extension of gcc and clang, with as many lanes as the level has.
 */
#include "kernels/tile_ops.h"

#include <string.h>

#include "kernels/bf16_pairs.h"
#include "kernels/lanes.h"

#if defined(__AVX512F__)
#define MAX_ROWS 14 /* times two vectors of sums, two of weights, one of inputs: 31 registers of 32 */
#elif defined(__AVX2__)
#define MAX_ROWS 6 /* 15 of 16 */
#else
#define MAX_ROWS 6
#endif
#define PANEL (2 * LANES)

/* Where it comes from tensors, it is aligned to a value only. */
typedef float vec_anywhere __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

#if defined(__clang__)
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#define UNROLLED _Pragma("GCC unroll 16")
#endif

/* `rows` and `pairs` are constants where this is inlined, so that the sums stay in registers. */
ALWAYS_INLINE void multiply_rows(const size_t rows, const bool pairs, size_t pieces, size_t depth,
                                 const float *inputs, size_t input_piece, const float *weights,
                                 size_t weight_stride, float *sums, bool add)
{
    vec left[MAX_ROWS], right[MAX_ROWS];

    UNROLLED
    for (size_t r = 0; r < rows; r++)
        left[r] = right[r] = (vec){0};
    for (; pieces > 0; pieces--, inputs += input_piece)
        for (size_t k = 0; k < depth; k++, weights += weight_stride) {
            const vec weight_left = *(const vec *)weights, weight_right = *(const vec *)(weights + LANES);

            UNROLLED
            for (size_t r = 0; r < rows; r++) {
                const float *input = inputs + r * TILE_DEPTH + k;

                if (pairs) {
                    left[r] = dot_pairs(left[r], weight_left, splat_pair(input));
                    right[r] = dot_pairs(right[r], weight_right, splat_pair(input));
                } else {
                    left[r] += weight_left * *input;
                    right[r] += weight_right * *input;
                }
            }
        }
    UNROLLED
    for (size_t r = 0; r < rows; r++) {
        vec *sum = (vec *)(sums + r * TILE_COLUMNS);

        if (add) {
            left[r] += sum[0];
            right[r] += sum[1];
        }
        sum[0] = left[r];
        sum[1] = right[r];
    }
}

#define ROWS(n)                                                                                         \
    case n:                                                                                             \
        multiply_rows(n, pairs, pieces, depth, inputs, input_piece, weights, weight_stride, sums, add); \
        break;

ALWAYS_INLINE void multiply_groups(const bool pairs, size_t rows, size_t pieces, size_t depth,
                                   const float *inputs, size_t input_piece, const float *weights,
                                   size_t weight_stride, float *sums, bool add)
{
    /* As even as can be: one row alone would keep the multipliers waiting. */
    for (size_t groups = (rows + MAX_ROWS - 1) / MAX_ROWS, n; groups > 0; groups--, rows -= n) {
        n = (rows + groups - 1) / groups;
        switch (n) {
            ROWS(1)
            ROWS(2)
            ROWS(3)
            ROWS(4)
            ROWS(5)
            ROWS(6)
#if MAX_ROWS > 6
            ROWS(7)
            ROWS(8)
            ROWS(9)
            ROWS(10)
            ROWS(11)
            ROWS(12)
            ROWS(13)
            ROWS(14)
#endif
        default:
            break;
        }
        inputs += n * TILE_DEPTH;
        sums += n * TILE_COLUMNS;
    }
}

static void multiply(size_t rows, size_t pieces, size_t depth, const float *inputs, size_t input_piece,
                     const float *weights, size_t weight_stride, float *sums, bool add)
{
    multiply_groups(false, rows, pieces, depth, inputs, input_piece, weights, weight_stride, sums, add);
}

static void multiply_pairs(size_t rows, size_t pieces, size_t depth, const float *inputs, size_t input_piece,
                           const float *weights, size_t weight_stride, float *sums, bool add)
{
    multiply_groups(true, rows, pieces, depth, inputs, input_piece, weights, weight_stride, sums, add);
}

static void narrow(float *pairs, const float *values, size_t n)
{
    narrow_row(pairs, values, n, 1.0f);
}

/* A square of LANES rows is transposed by exchanging, between rows whose numbers differ in one bit, the
 * values whose places differ in it the other way round: first for the highest bit. */
#define EXCHANGE(bit)                                 \
    UNROLLED                                          \
    for (size_t i = 0; i < LANES; i++)                \
        if (!(i & (bit))) {                           \
            const vec a = row[i], b = row[i | (bit)]; \
                                                      \
            row[i] = KEEP_##bit(a, b);                \
            row[i | (bit)] = TAKE_##bit(a, b);        \
        }
#define PICK __builtin_shufflevector
#if LANES == 16
#define KEEP_8(a, b) PICK(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23)
#define TAKE_8(a, b) PICK(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31)
#define KEEP_4(a, b) PICK(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27)
#define TAKE_4(a, b) PICK(a, b, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31)
#define KEEP_2(a, b) PICK(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
#define TAKE_2(a, b) PICK(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31)
#define KEEP_1(a, b) PICK(a, b, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30)
#define TAKE_1(a, b) PICK(a, b, 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31)
#elif LANES == 8
#define KEEP_4(a, b) PICK(a, b, 0, 1, 2, 3, 8, 9, 10, 11)
#define TAKE_4(a, b) PICK(a, b, 4, 5, 6, 7, 12, 13, 14, 15)
#define KEEP_2(a, b) PICK(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define TAKE_2(a, b) PICK(a, b, 2, 3, 10, 11, 6, 7, 14, 15)
#define KEEP_1(a, b) PICK(a, b, 0, 8, 2, 10, 4, 12, 6, 14)
#define TAKE_1(a, b) PICK(a, b, 1, 9, 3, 11, 5, 13, 7, 15)
#else
#define KEEP_2(a, b) PICK(a, b, 0, 1, 4, 5)
#define TAKE_2(a, b) PICK(a, b, 2, 3, 6, 7)
#define KEEP_1(a, b) PICK(a, b, 0, 4, 2, 6)
#define TAKE_1(a, b) PICK(a, b, 1, 5, 3, 7)
#endif

static inline void transpose_square(float *panel, const float *rows, size_t row_stride)
{
    vec row[LANES];

    UNROLLED
    for (size_t i = 0; i < LANES; i++)
        row[i] = *(const vec_anywhere *)(rows + i * row_stride);
#if LANES >= 16
    EXCHANGE(8)
#endif
#if LANES >= 8
    EXCHANGE(4)
#endif
    EXCHANGE(2)
    EXCHANGE(1)
    UNROLLED
    for (size_t i = 0; i < LANES; i++)
        *(vec *)(panel + i * PANEL) = row[i];
}

static void transpose(float *panel, const float *rows, size_t row_stride, size_t depth)
{
    size_t k = 0;

    for (; k + LANES <= depth; k += LANES)
        transpose_square(panel + k * PANEL, rows + k, row_stride);
    for (; k < depth; k++)
        for (size_t i = 0; i < LANES; i++)
            panel[k * PANEL + i] = rows[i * row_stride + k];
}

/* u [6] = G g [3] */
ALWAYS_INLINE void weights_of(vec *u, size_t step, vec g0, vec g1, vec g2)
{
    const vec even = (g0 + g2) * (1.0f / 6), odd = g1 * (1.0f / 6);
    const vec wide = g0 * (1.0f / 24) + g2 * (1.0f / 6), middle = g1 * (1.0f / 12);

    u[0] = g0 * 0.25f;
    u[step] = -even - odd;
    u[2 * step] = odd - even;
    u[3 * step] = wide + middle;
    u[4 * step] = wide - middle;
    u[5 * step] = g2;
}

static void winograd_weights(float *values, const float *weights, size_t depth, size_t stride)
{
    for (size_t k = 0; k < depth * 2; k++) {
        const float *g = weights + k / 2 * 9 * PANEL + k % 2 * LANES;
        vec half[6][3], all[6][6]; /* [row][column] */

        UNROLLED
        for (size_t x = 0; x < 3; x++)
            weights_of(&half[0][x], 3, *(const vec *)(g + x * PANEL), *(const vec *)(g + (3 + x) * PANEL),
                       *(const vec *)(g + (6 + x) * PANEL));
        UNROLLED
        for (size_t y = 0; y < 6; y++)
            weights_of(all[y], 1, half[y][0], half[y][1], half[y][2]);
        for (size_t i = 0; i < 36; i++)
            *(vec *)(values + i * stride + k / 2 * PANEL + k % 2 * LANES) = all[i / 6][i % 6];
    }
}

/* v [6] = B' d [6] */
ALWAYS_INLINE void inputs_of(vec *v, size_t step, vec d0, vec d1, vec d2, vec d3, vec d4, vec d5)
{
    const vec far_even = d4 - 4 * d2, far_odd = d3 - 4 * d1;
    const vec near_even = d4 - d2, near_odd = 2 * (d3 - d1);

    v[0] = 4 * d0 - 5 * d2 + d4;
    v[step] = far_even + far_odd;
    v[2 * step] = far_even - far_odd;
    v[3 * step] = near_even + near_odd;
    v[4 * step] = near_even - near_odd;
    v[5 * step] = 4 * d1 - 5 * d3 + d5;
}

static void winograd_input(float *values, const float *const *pixels, size_t channels, size_t stride)
{
    for (size_t c = 0; c < channels; c += LANES) {
        vec half[6][6], all[6][6]; /* [row][column] */

#define PIXEL(y, x) (*(const vec_anywhere *)(pixels[(y)*6 + (x)] + c))
        UNROLLED
        for (size_t x = 0; x < 6; x++)
            inputs_of(&half[0][x], 6, PIXEL(0, x), PIXEL(1, x), PIXEL(2, x), PIXEL(3, x), PIXEL(4, x),
                      PIXEL(5, x));
#undef PIXEL
        UNROLLED
        for (size_t y = 0; y < 6; y++)
            inputs_of(all[y], 1, half[y][0], half[y][1], half[y][2], half[y][3], half[y][4], half[y][5]);
        for (size_t i = 0; i < 36; i++)
            *(vec *)(values + i * stride + c) = all[i / 6][i % 6];
    }
}

/* y [4] = A' m [6] */
ALWAYS_INLINE void outputs_of(vec *y, size_t step, vec m0, vec m1, vec m2, vec m3, vec m4, vec m5)
{
    const vec near_even = m1 + m2, near_odd = m1 - m2, far_even = m3 + m4, far_odd = m3 - m4;

    y[0] = m0 + near_even + far_even;
    y[step] = near_odd + 2 * far_odd;
    y[2 * step] = near_even + 4 * far_even;
    y[3 * step] = near_odd + 8 * far_odd + m5;
}

static void winograd_output(float *outputs, const float *values, size_t channels, size_t stride)
{
    for (size_t c = 0; c < channels; c += LANES) {
        vec half[4][6], all[4][4]; /* [row][column] */

#define VALUE(y, x) (*(const vec *)(values + ((y)*6 + (x)) * stride + c))
        UNROLLED
        for (size_t x = 0; x < 6; x++)
            outputs_of(&half[0][x], 6, VALUE(0, x), VALUE(1, x), VALUE(2, x), VALUE(3, x), VALUE(4, x),
                       VALUE(5, x));
#undef VALUE
        UNROLLED
        for (size_t y = 0; y < 4; y++)
            outputs_of(all[y], 1, half[y][0], half[y][1], half[y][2], half[y][3], half[y][4], half[y][5]);
        for (size_t i = 0; i < 16; i++)
            *(vec *)(outputs + i * TILE_COLUMNS + c) = all[i / 4][i % 4];
    }
}

#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)
#define TEXT_(a)    #a
#define TEXT(a)     TEXT_(a)

extern const struct tile_ops JOIN(tile_ops_, VECTOR_ISA);
const struct tile_ops JOIN(tile_ops_, VECTOR_ISA) = {
    .isa = TEXT(VECTOR_ISA),
    .panel = PANEL,
#if defined(__AVX512BF16__)
    .has_pairs = true,
#endif
#define TILE_OP(type, name, parameters) .name = name,
#include "kernels/tile_ops.def"
#undef TILE_OP
};
