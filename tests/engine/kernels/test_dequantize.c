/* test_dequantize.c - blocks of every quantized format are what ggml makes of them. */
#include "kernels/dequantize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "kernels/gemm.h"
#include "model_copy.h"

#define FIXTURE "tests/engine/kernels/fixtures/quantized.bin"
#define BLOCKS  3

/* The fixture's blocks of a format, and the values wanted. */
static const unsigned char *find(const struct file_bytes *f, enum dtype wanted, float *values)
{
    const unsigned char *at = f->data;

    for (int d = DTYPE_Q4_0; d < DTYPE_COUNT; d++) {
        const struct dtype_layout *l = &dtype_layouts[d];
        const size_t size = BLOCKS * l->values * sizeof *values;

        if (d == (int)wanted) {
            memcpy(values, at + BLOCKS * l->bytes, size);
            return at;
        }
        at += BLOCKS * l->bytes + size;
    }
    return NULL;
}

/* Fused or not, a product and a sum round to neighbours of what is wanted. */
static bool is_close(float got, float want, float largest)
{
    return fabsf(got - want) <= 2e-7f * largest;
}

static float largest_of(const float *values, size_t count)
{
    float largest = 0;

    for (size_t i = 0; i < count; i++)
        largest = fmaxf(largest, fabsf(values[i]));
    return largest;
}

TEST(every_format_is_ggmls)
{
    struct file_bytes f = {NULL, 0};

    REQUIRE(file_read(FIXTURE, &f));
    for (int d = DTYPE_Q4_0; d < DTYPE_COUNT; d++) {
        const size_t count = BLOCKS * dtype_layouts[d].values;
        float want[BLOCKS * 256], got[BLOCKS * 256];
        size_t wrong = 0;

        dequantize(got, (enum dtype)d, find(&f, (enum dtype)d, want), 0, count);
        for (size_t i = 0; i < count; i++)
            wrong += !is_close(got[i], want[i], largest_of(want, count));
        if (wrong > 0)
            check_failed(__FILE__, __LINE__, "%s: %zu of %zu values", dtype_name((enum dtype)d), wrong,
                         count);
    }
    free(f.data);
}

/* As layers ask for them: pieces of rows, which begin and end within blocks. */
TEST(a_block_of_a_quantized_matrix_is_cut_out_of_its_rows)
{
    static const size_t pieces[][2] = {{0, 768}, {1, 3}, {250, 12}, {31, 257}, {700, 68}, {512, 256}};
    struct file_bytes f = {NULL, 0};

    REQUIRE(file_read(FIXTURE, &f));
    for (int d = DTYPE_Q2_K; d < DTYPE_COUNT; d++) {
        const size_t columns = BLOCKS * dtype_layouts[d].values;
        float want[BLOCKS * 256], got[BLOCKS * 256];
        unsigned char rows[2 * BLOCKS * 256 + 1];
        const size_t bytes = dtype_bytes((enum dtype)d, columns);
        const struct matrix w = {rows + 1, (enum dtype)d, 2, columns};

        memcpy(rows + 1 + bytes, find(&f, (enum dtype)d, want), bytes);
        memset(rows + 1, 0, bytes);
        for (size_t p = 0; p < COUNT(pieces); p++) {
            size_t stride, wrong = 0;
            const float *block = matrix_block(&w, 1, 1, pieces[p][0], pieces[p][1], got, &stride);

            for (size_t i = 0; i < pieces[p][1]; i++)
                wrong += !is_close(block[i], want[pieces[p][0] + i], largest_of(want, columns));
            CHECK_INT(stride, pieces[p][1]);
            CHECK_INT(wrong, 0);
        }
    }
    free(f.data);
}
