/* test_hot_shapes.c - the kernels at the sizes that Stable Diffusion 1.5 gives them at 512x512, against their
 * definitions at a few places. */
#include "kernels/conv2d.h"

#include <stdlib.h>

#include "check.h"
#include "definitions.h"
#include "random_values.h"
#include "run_exec.h"

/* Sums of up to 23,040 terms, of which 64 channels at a time are added up in one chain. */
#define DIRECT_BOUND 2e-6
/* F(4x4, 3x3) in f32: 1e-5 to 5e-5 of the outputs' spread are usual for it. */
#define WINOGRAD_BOUND 5e-5
#define LINEAR_BOUND   2e-6

enum { PLACES = 24, LINEAR_ROWS = 6 };

struct conv_shape {
    size_t c_in, c_out, side, kernel, stride;
    bool upsample, strict_too; /* by the direct way as well, where that does not take too long */
};

struct conv_run {
    struct tensor y, x;
    struct conv2d conv;
};

static void run_conv(void *arg, struct exec *e)
{
    const struct conv_run *r = arg;

    conv2d(e, r->y, r->x, &r->conv, (struct tensor){0});
}

/* want [c_out] = the output pixel at (row, column), by the definition, from the taps under it alone. */
static void one_pixel(float *want, const struct conv_run *r, const float *weight, size_t row, size_t column)
{
    const struct conv2d *conv = &r->conv;
    const size_t k = conv->kernel, c = conv->c_in, side = conv->upsample ? r->y.h : r->x.h;
    struct tensor taps = zero_tensor(1, k, k, c);
    struct conv2d plain = *conv;

    for (size_t i = 0; i < k * k; i++) {
        const size_t y = row * conv->stride + i / k - conv->pad_before;
        const size_t x = column * conv->stride + i % k - conv->pad_before;
        const size_t down = conv->upsample ? 2 : 1;

        if (y < side && x < side)
            memcpy(taps.data + i * c, r->x.data + (y / down * r->x.w + x / down) * c, c * sizeof(float));
    }
    plain.pad_before = 0;
    plain.stride = 1;
    plain.upsample = false;
    conv2d_by_definition((struct tensor){want, 1, 1, 1, conv->c_out}, taps, &plain, weight, NULL);
    free(taps.data);
}

/* The largest error at the corners and at places drawn at random, relative to the spread of the outputs. */
static double conv_error(const struct conv_run *r, const float *weight)
{
    const size_t c = r->conv.c_out, last = r->y.h - 1;
    float *got = allocate(PLACES * c, sizeof *got), *want = allocate(PLACES * c, sizeof *want);
    uint64_t seed = 5;
    double error;

    for (size_t i = 0; i < PLACES; i++) {
        const size_t row = i < 4 ? i / 2 * last : random_size(&seed, 0, last);
        const size_t column = i < 4 ? i % 2 * last : random_size(&seed, 0, last);

        memcpy(got + i * c, r->y.data + (row * r->y.w + column) * c, c * sizeof *got);
        one_pixel(want + i * c, r, weight, row, column);
    }
    error = check_relative_error(got, want, PLACES * c);
    free(got);
    free(want);
    return error;
}

static void check_conv(const struct conv_shape *s, struct pool *pool)
{
    const size_t depth = s->kernel * s->kernel * s->c_in;
    const size_t side = s->upsample ? 2 * s->side : s->side / s->stride;
    struct conv_run r = {.x = random_tensor(1, 1, s->side, s->side, s->c_in),
                         .y = zero_tensor(1, side, side, s->c_out)};
    float *bias = random_values(3, s->c_out), *values = allocate(s->c_out * depth, sizeof *values);
    void *weights = random_weights(4, DTYPE_F16, s->c_out * depth, values);

    r.conv = (struct conv2d){.weight = {weights, DTYPE_F16, s->c_out, depth},
                             .bias = bias,
                             .c_in = s->c_in,
                             .c_out = s->c_out,
                             .kernel = s->kernel,
                             .stride = s->stride,
                             .pad_before = s->kernel / 2,
                             .upsample = s->upsample};
    for (int strict = 0; strict <= s->strict_too; strict++) {
        double error;

        CHECK(run_exec_in(pool, strict, run_conv, &r));
        error = conv_error(&r, values);
        if (!(error <= (strict ? DIRECT_BOUND : WINOGRAD_BOUND)))
            check_failed(__FILE__, __LINE__, "%zu to %zu channels, %zux%zu, strict %d: %.2e", s->c_in,
                         s->c_out, s->side, s->side, strict, error);
    }
    free(r.x.data);
    free(r.y.data);
    free(bias);
    free(values);
    free(weights);
}

TEST(convolutions_of_the_unet)
{
    static const struct conv_shape shapes[] = {
        /* in, out, side, kernel, stride, upsample, strict too */
        {4, 320, 64, 3, 1, false, true},     {320, 320, 64, 3, 1, false, true},
        {320, 320, 64, 3, 2, false, true},   {320, 640, 32, 3, 1, false, true},
        {640, 640, 32, 3, 1, false, true},   {640, 640, 32, 3, 2, false, true},
        {640, 1280, 16, 3, 1, false, true},  {1280, 1280, 16, 3, 1, false, true},
        {1280, 1280, 16, 3, 2, false, true}, {1280, 1280, 8, 3, 1, false, true},
        {2560, 1280, 8, 3, 1, false, true},  {1280, 1280, 8, 3, 1, true, true},
        {2560, 1280, 16, 3, 1, false, true}, {1920, 1280, 16, 3, 1, false, true},
        {1280, 1280, 16, 3, 1, true, false}, {1920, 640, 32, 3, 1, false, false},
        {1280, 640, 32, 3, 1, false, false}, {960, 640, 32, 3, 1, false, false},
        {640, 640, 32, 3, 1, true, false},   {960, 320, 64, 3, 1, false, false},
        {640, 320, 64, 3, 1, false, false},  {320, 4, 64, 3, 1, false, true},
        {2560, 1280, 16, 1, 1, false, true}, {960, 320, 64, 1, 1, false, true},
    };
    struct pool *pool;

    REQUIRE(pool_new(2, &pool, NULL) == LTD_OK);
    for (size_t i = 0; i < COUNT(shapes); i++)
        check_conv(&shapes[i], pool);
    pool_free(pool);
}

TEST(convolutions_of_the_vae)
{
    static const struct conv_shape shapes[] = {
        {4, 512, 64, 3, 1, false, true},     {512, 512, 64, 3, 1, false, false},
        {512, 512, 64, 3, 1, true, false},   {512, 512, 128, 3, 1, false, false},
        {512, 256, 256, 3, 1, false, false}, {256, 256, 256, 3, 1, true, false},
        {256, 128, 512, 3, 1, false, false}, {128, 128, 512, 3, 1, false, false},
        {128, 3, 512, 3, 1, false, true},    {3, 128, 512, 3, 1, false, true},
        {128, 128, 512, 3, 2, false, true},
    };
    struct pool *pool;

    REQUIRE(pool_new(2, &pool, NULL) == LTD_OK);
    for (size_t i = 0; i < COUNT(shapes); i++)
        check_conv(&shapes[i], pool);
    pool_free(pool);
}

struct linear_run {
    float *y;
    const float *x, *bias;
    size_t m;
    struct matrix w;
    bool gated;
};

static void run_linear(void *arg, struct exec *e)
{
    const struct linear_run *r = arg;

    if (r->gated)
        gemm_geglu(e, r->y, r->x, r->m, &r->w, r->bias);
    else
        gemm_linear(e, r->y, r->x, r->m, &r->w, r->bias, NULL);
}

/* want [n] = row `row` of the product, gated or not, by the definition */
static void one_row(float *want, const struct linear_run *r, const float *values, size_t row)
{
    const size_t n = r->w.rows, k = r->w.cols, half = n / 2;
    float *all = allocate(n, sizeof *all);

    linear_by_definition(all, r->x + row * k, values, r->bias, NULL, 1, n, k);
    if (r->gated)
        for (size_t i = 0; i < half; i++)
            want[i] = (float)((double)all[i] * gelu_by_definition((double)all[half + i]));
    else
        memcpy(want, all, n * sizeof *want);
    free(all);
}

static void check_linear(size_t m, size_t n, size_t k, bool gated, struct pool *pool)
{
    const size_t width = gated ? n / 2 : n;
    float *x = random_values(1, m * k), *bias = random_values(2, n);
    float *values = allocate(n * k, sizeof *values), *y = allocate(m * width, sizeof *y);
    float *got = allocate(LINEAR_ROWS * width, sizeof *got),
          *want = allocate(LINEAR_ROWS * width, sizeof *want);
    void *weights = random_weights(4, DTYPE_F16, n * k, values);
    const struct linear_run r = {y, x, bias, m, {weights, DTYPE_F16, n, k}, gated};
    uint64_t seed = 7;
    double error;

    CHECK(run_exec(pool, run_linear, (void *)&r));
    for (size_t i = 0; i < LINEAR_ROWS; i++) {
        const size_t row = i < 2 ? i * (m - 1) : random_size(&seed, 0, m - 1);

        memcpy(got + i * width, y + row * width, width * sizeof *got);
        one_row(want + i * width, &r, values, row);
    }
    error = check_relative_error(got, want, LINEAR_ROWS * width);
    if (!(error <= LINEAR_BOUND))
        check_failed(__FILE__, __LINE__, "%zu x %zu x %zu, gated %d: %.2e", m, n, k, gated, error);
    free(x);
    free(bias);
    free(values);
    free(y);
    free(got);
    free(want);
    free(weights);
}

TEST(products_of_the_unet)
{
    static const struct {
        size_t m, n, k;
        bool gated;
    } shapes[] = {
        {8192, 320, 320, false},  {8192, 2560, 320, true},  {8192, 320, 1280, false},
        {2048, 640, 640, false},  {2048, 5120, 640, true},  {2048, 640, 2560, false},
        {512, 1280, 1280, false}, {512, 10240, 1280, true}, {512, 1280, 5120, false},
        {128, 10240, 1280, true}, {154, 320, 768, false},   {154, 1280, 768, false},
        {2, 1280, 320, false},    {77, 3072, 768, false},   {4096, 512, 512, false},
    };
    struct pool *pool;

    REQUIRE(pool_new(2, &pool, NULL) == LTD_OK);
    for (size_t i = 0; i < COUNT(shapes); i++)
        check_linear(shapes[i].m, shapes[i].n, shapes[i].k, shapes[i].gated, pool);
    pool_free(pool);
}
