/* test_conv2d.c - convolution against its definition. */
#include "kernels/conv2d.h"

#include <stdlib.h>

#include "kernels/conv_winograd.h"

#include "check.h"
#include "definitions.h"
#include "random_values.h"
#include "run_exec.h"

/* As for a product whose sums have kernel^2 c_in terms, 2880 at most here and added up in pieces of 640:
 * about sqrt(640) roundings of 6e-8 would be 1.5e-6 if BLAS had one partial sum; it has eight at least. */
#define BOUND 5e-7

/* F(4x4, 3x3) in f32: 1e-5 to 5e-5 of the outputs' spread are usual for it. */
#define WINOGRAD_BOUND 2e-5

struct conv_run {
    struct tensor y, x, addend;
    struct conv2d conv;
};

static void run_conv(void *arg, struct exec *e)
{
    const struct conv_run *r = arg;

    conv2d(e, r->y, r->x, &r->conv, r->addend);
}

enum extras { NOTHING = 0, WITH_CONV_BIAS = 1, WITH_ADDEND = 2, ADDEND_IS_Y = 4 };

struct conv_case {
    const char *why;
    size_t n, c_in, c_out, h, w, kernel, stride, pad_before, y_h, y_w;
    bool upsample, wraps;
};

static double conv_error(const struct conv_case *c, enum dtype dtype, int extras, bool strict,
                         struct pool *pool)
{
    const size_t depth = c->kernel * c->kernel * c->c_in;
    struct tensor x = random_tensor(1, c->n, c->h, c->w, c->c_in);
    struct tensor y = zero_tensor(c->n, c->y_h, c->y_w, c->c_out);
    struct tensor want = zero_tensor(c->n, c->y_h, c->y_w, c->c_out);
    struct tensor addend = random_tensor(2, c->n, c->y_h, c->y_w, c->c_out);
    float *bias = random_values(3, c->c_out), *values = allocate(c->c_out * depth, sizeof *values);
    void *weights = random_weights(4, dtype, c->c_out * depth, values);
    struct conv_run r = {.y = y, .x = x};
    double error = 1;

    r.conv = (struct conv2d){.weight = {weights, dtype, c->c_out, depth},
                             .bias = extras & WITH_CONV_BIAS ? bias : NULL,
                             .c_in = c->c_in,
                             .c_out = c->c_out,
                             .kernel = c->kernel,
                             .stride = c->stride,
                             .pad_before = c->pad_before,
                             .upsample = c->upsample,
                             .wraps = c->wraps};
    if (extras & WITH_ADDEND)
        r.addend = addend;
    conv2d_by_definition(want, x, &r.conv, values, r.addend.data);
    memset(y.data, 0xff, tensor_count(y) * sizeof *y.data);
    if (extras & ADDEND_IS_Y) {
        memcpy(y.data, addend.data, tensor_count(y) * sizeof *y.data);
        r.addend = y;
    }
    if (run_exec_in(pool, strict, run_conv, &r))
        error = check_relative_error(y.data, want.data, tensor_count(y));
    free(x.data);
    free(y.data);
    free(want.data);
    free(addend.data);
    free(bias);
    free(values);
    free(weights);
    return error;
}

TEST(conv2d_agrees_with_its_definition)
{
    static const struct conv_case cases[] = {
        /* why                         n  in   out  h   w   k  s  p  h'  w'  up  wraps */
        {"U-Net conv_in", 2, 4, 40, 16, 12, 3, 1, 1, 16, 12, false, false},
        {"one pixel", 1, 1, 1, 1, 1, 3, 1, 1, 1, 1, false, false},
        {"one row", 1, 5, 3, 1, 9, 3, 1, 1, 1, 9, false, false},
        {"deep", 1, 320, 6, 6, 5, 3, 1, 1, 6, 5, false, false},
        {"several items", 3, 5, 7, 9, 7, 3, 1, 1, 9, 7, false, false},
        {"many rows and tiles", 2, 3, 70, 33, 37, 3, 1, 1, 33, 37, false, false},
        {"skip, 1x1", 2, 64, 33, 8, 9, 1, 1, 0, 8, 9, false, false},
        {"1x1 with stride", 2, 5, 6, 9, 8, 1, 2, 0, 5, 4, false, false},
        {"5x5", 1, 3, 4, 9, 8, 5, 1, 2, 9, 8, false, false},
        {"5x5 larger than the image", 1, 3, 4, 2, 3, 5, 1, 2, 2, 3, false, false},
        {"5x5 with stride", 1, 4, 3, 11, 9, 5, 2, 2, 6, 5, false, false},
        {"no padding", 1, 3, 5, 9, 7, 3, 1, 0, 7, 5, false, false},
        {"U-Net downsample, even", 2, 8, 6, 8, 10, 3, 2, 1, 4, 5, false, false},
        {"U-Net downsample, odd", 2, 8, 6, 9, 7, 3, 2, 1, 5, 4, false, false},
        {"VAE downsample, zeros beyond the far edges", 2, 4, 6, 8, 10, 3, 2, 0, 4, 5, false, false},
        {"upsample, even", 2, 5, 4, 4, 5, 3, 1, 1, 8, 10, true, false},
        {"upsample, odd", 2, 5, 4, 5, 4, 3, 1, 1, 9, 7, true, false},
        {"upsample, deep", 1, 320, 5, 3, 3, 3, 1, 1, 6, 5, true, false},
        {"around the edges", 2, 5, 7, 9, 7, 3, 1, 1, 9, 7, false, true},
        {"around the edges, 5x5", 1, 3, 4, 2, 3, 5, 1, 2, 2, 3, false, true},
        {"around one pixel", 1, 1, 1, 1, 1, 3, 1, 1, 1, 1, false, true},
        {"around the edges, downsample", 2, 8, 6, 9, 8, 3, 2, 1, 5, 4, false, true},
        {"around the edges, upsample, odd", 2, 5, 4, 5, 4, 3, 1, 1, 9, 7, true, true},
    };
    static const int extras[] = {NOTHING,
                                 WITH_CONV_BIAS,
                                 WITH_ADDEND,
                                 WITH_CONV_BIAS | WITH_ADDEND,
                                 WITH_ADDEND | ADDEND_IS_Y,
                                 WITH_CONV_BIAS | WITH_ADDEND | ADDEND_IS_Y};
    struct pool *pool;

    gemm_init();
    REQUIRE(pool_new(2, &pool, NULL) == LTD_OK);
    for (size_t i = 0; i < COUNT(cases); i++)
        for (int dtype = DTYPE_F32; dtype <= DTYPE_BF16; dtype++)
            for (size_t k = 0; k < COUNT(extras); k++) {
                const double error = conv_error(&cases[i], (enum dtype)dtype, extras[k], true, pool);

                if (!(error <= BOUND))
                    check_failed(__FILE__, __LINE__, "%s, %s, extras %d: %.2e", cases[i].why,
                                 dtype_name((enum dtype)dtype), extras[k], error);
            }
    pool_free(pool);
}

TEST(winograds_convolution_agrees_with_the_definition)
{
    static const struct conv_case cases[] = {
        /* why                              n  in   out  h   w   k  s  p  h'  w'  up  wraps */
        {"a few whole tiles", 1, 16, 16, 8, 8, 3, 1, 1, 8, 8, false, false},
        {"edges", 2, 32, 48, 9, 14, 3, 1, 1, 9, 14, false, false},
        {"a piece of the columns and of the depth", 1, 80, 80, 11, 10, 3, 1, 1, 11, 10, false, false},
        {"the U-Net's coarsest level", 2, 320, 64, 8, 8, 3, 1, 1, 8, 8, false, false},
        {"more than one block of tiles", 1, 64, 128, 44, 44, 3, 1, 1, 44, 44, false, false},
        {"more tiles than are kept", 1, 640, 16, 68, 72, 3, 1, 1, 68, 72, false, false},
        {"upsample, even", 2, 32, 16, 4, 5, 3, 1, 1, 8, 10, true, false},
        {"upsample, odd", 1, 16, 32, 5, 7, 3, 1, 1, 9, 13, true, false},
        {"no padding", 1, 16, 16, 12, 10, 3, 1, 0, 10, 8, false, false},
        {"around the edges", 2, 32, 48, 9, 14, 3, 1, 1, 9, 14, false, true},
        {"around the edges, upsample, odd", 1, 16, 32, 5, 7, 3, 1, 1, 9, 13, true, true},
    };
    struct pool *pool;

    REQUIRE(pool_new(2, &pool, NULL) == LTD_OK);
    for (size_t i = 0; i < COUNT(cases); i++)
        for (int extras = NOTHING; extras <= (WITH_CONV_BIAS | WITH_ADDEND);
             extras += WITH_ADDEND | WITH_CONV_BIAS) {
            const struct conv_case *c = &cases[i];
            const struct conv2d conv = {.c_in = c->c_in, .c_out = c->c_out, .kernel = 3, .stride = 1};
            const enum dtype dtype = (enum dtype)(i % 3);
            const double error = conv_error(c, dtype, extras, false, pool);

            if (!conv_winograd_suits(&conv, (struct tensor){NULL, c->n, c->y_h, c->y_w, c->c_out}) ||
                !(error <= WINOGRAD_BOUND) || !(error > 0))
                check_failed(__FILE__, __LINE__, "%s, %s, extras %d: %.2e", c->why, dtype_name(dtype), extras,
                             error);
        }
    pool_free(pool);
}

/* Values from `from` on of each row of t, [.., count]. */
static struct tensor channels_of(struct tensor t, size_t from, size_t count)
{
    struct tensor out = zero_tensor(t.n, t.h, t.w, count);

    for (size_t i = 0; i < tensor_rows(t); i++)
        memcpy(out.data + i * count, t.data + i * t.c + from, count * sizeof(float));
    return out;
}

/* A convolution that reads the first c_in channels of a tensor and writes those behind them, times a slope
 * where they are below 0. */
static void check_within_one_tensor(struct pool *pool, size_t c_in, size_t c_out, bool strict)
{
    struct tensor t = random_tensor(1, 2, 9, 14, c_in + c_out + 3), got, rest, behind;
    struct tensor x = channels_of(t, 0, c_in), want = zero_tensor(2, 9, 14, c_out);
    float *weights = random_values(2, c_out * c_in * 9), *slope = random_values(3, c_out);
    struct conv_run r = {.y = t, .x = t};

    r.conv = (struct conv2d){.c_in = c_in, .c_out = c_out, .kernel = 3, .stride = 1, .pad_before = 1};
    r.conv.weight = (struct matrix){weights, DTYPE_F32, c_out, 9 * c_in};
    conv2d_by_definition(want, x, &r.conv, weights, NULL);
    for (size_t i = 0; i < tensor_count(want); i++)
        want.data[i] *= want.data[i] < 0 ? slope[i % c_out] : 1;
    r.conv.slope = slope;
    r.y.data += c_in;
    behind = channels_of(t, c_in + c_out, 3);
    CHECK(run_exec_in(pool, strict, run_conv, &r));
    got = channels_of(t, c_in, c_out);
    CHECK(check_relative_error(got.data, want.data, tensor_count(want)) <= (strict ? BOUND : WINOGRAD_BOUND));
    rest = channels_of(t, 0, c_in);
    CHECK(memcmp(rest.data, x.data, tensor_count(x) * sizeof(float)) == 0);
    free(rest.data);
    rest = channels_of(t, c_in + c_out, 3);
    CHECK(memcmp(rest.data, behind.data, tensor_count(rest) * sizeof(float)) == 0);
    free(rest.data);
    free(behind.data);
    free(got.data);
    free(want.data);
    free(x.data);
    free(t.data);
    free(weights);
    free(slope);
}

TEST(a_convolution_reads_and_writes_channels_of_one_tensor)
{
    struct pool *pool;

    REQUIRE(pool_new(2, &pool, NULL) == LTD_OK);
    check_within_one_tensor(pool, 5, 3, true);
    check_within_one_tensor(pool, 70, 65, true);
    check_within_one_tensor(pool, 16, 32, false);
    check_within_one_tensor(pool, 80, 80, false);
    pool_free(pool);
}

/* y [3, 20, 18, 64] of a convolution, in one go or item by item */
static void convolve(float *y, const float *x, const float *weights, int threads, bool strict,
                     bool one_by_one)
{
    enum { ITEM = 20 * 18 * 64 };
    const size_t n = one_by_one ? 1 : 3;
    struct pool *pool;

    REQUIRE(pool_new(threads, &pool, NULL) == LTD_OK);
    for (size_t i = 0; i < 3; i += n) {
        struct conv_run r = {.y = {y + i * ITEM, n, 20, 18, 64}, .x = {(float *)x + i * ITEM, n, 20, 18, 64}};

        r.conv = (struct conv2d){.c_in = 64, .c_out = 64, .kernel = 3, .stride = 1, .pad_before = 1};
        r.conv.weight = (struct matrix){weights, DTYPE_F32, 64, 9 * 64};
        CHECK(run_exec_in(pool, strict, run_conv, &r));
    }
    pool_free(pool);
}

TEST(bytes_depend_on_neither_threads_nor_neighbours)
{
    enum { COUNT_Y = 3 * 20 * 18 * 64 };
    float *x = random_values(1, COUNT_Y), *weights = random_values(2, 64 * 9 * 64);
    float *want = allocate(COUNT_Y, sizeof *want), *got = allocate(COUNT_Y, sizeof *got);

    for (int strict = 0; strict <= 1; strict++) {
        convolve(want, x, weights, 1, strict, false);
        for (int threads = 1; threads <= 7; threads += threads < 4 ? 1 : 3)
            for (int one_by_one = 0; one_by_one <= 1; one_by_one++) {
                convolve(got, x, weights, threads, strict, one_by_one);
                if (memcmp(got, want, COUNT_Y * sizeof *got) != 0)
                    check_failed(__FILE__, __LINE__, "strict %d, %d threads, one by one %d: other bytes",
                                 strict, threads, one_by_one);
            }
    }
    free(x);
    free(weights);
    free(want);
    free(got);
}
