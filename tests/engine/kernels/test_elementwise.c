/* test_elementwise.c - what happens to each value or channel on its own. */
#include "kernels/elementwise.h"

#include <math.h>
#include <stdlib.h>

#include "check.h"
#include "definitions.h"
#include "random_values.h"
#include "run_exec.h"

/* One or two roundings of 6e-8. */
#define BOUND 1.2e-7
/* Two or three more inside the exponential and its fit. */
#define ACTIVATION_BOUND 3e-7

enum operation {
    ACTIVATE,
    SCALE,
    SHIFT,
    LIMIT,
    ADD_SCALED,
    ADD_CHANNEL,
    SCALE_SHIFT,
    CONCAT,
    COPY,
    COPY_CHANNELS,
    REPEAT
};

struct run {
    enum operation operation;
    enum activation f;
    struct tensor y, a, b;
    size_t from;
};

static void run_operation(void *arg, struct exec *e)
{
    const struct run *r = arg;

    switch (r->operation) {
    case ACTIVATE:
        activate(e, r->y, r->a, r->f);
        break;
    case SCALE:
        scale_by(e, r->y, r->a, 0.3);
        break;
    case SHIFT:
        scale_and_shift(e, r->y, r->a, 0.3, -0.2);
        break;
    case LIMIT:
        limit_softly(e, r->y, r->a, 3);
        break;
    case ADD_SCALED:
        add_scaled(e, r->y, r->a, 0.3);
        break;
    case ADD_CHANNEL:
        add_per_channel(e, r->y, r->a);
        break;
    case SCALE_SHIFT:
        scale_shift_per_channel(e, r->y, r->a);
        break;
    case CONCAT:
        concat_channels(e, r->y, r->a, r->b);
        break;
    case COPY:
        copy_tensor(e, r->y, r->a);
        break;
    case COPY_CHANNELS:
        copy_channels(e, r->y, r->a);
        break;
    case REPEAT:
        repeat_first_item(e, r->y, r->from);
        break;
    }
}

/* Shapes of less than a tile, several tiles, and a channel count larger than a tile. */
static const struct {
    size_t n, h, w, c;
} shapes[] = {{1, 1, 1, 1}, {2, 3, 5, 7}, {3, 64, 43, 24}, {2, 2, 1, 70001}};

static void each_shape(void (*check)(struct pool *pool, size_t n, size_t h, size_t w, size_t c))
{
    struct pool *pool;

    REQUIRE(pool_new(2, &pool, NULL) == LTD_OK);
    for (size_t i = 0; i < COUNT(shapes); i++)
        check(pool, shapes[i].n, shapes[i].h, shapes[i].w, shapes[i].c);
    pool_free(pool);
}

/* Runs it, compares y with want, and frees both. */
static void expect(struct pool *pool, struct run *r, struct tensor want, double bound, const char *what)
{
    double error = 1;

    if (run_exec(pool, run_operation, r))
        error = check_relative_error(r->y.data, want.data, tensor_count(want));
    if (!(error <= bound))
        check_failed(__FILE__, __LINE__, "%s [%zu, %zu, %zu, %zu]: %.2e", what, want.n, want.h, want.w,
                     want.c, error);
    free(want.data);
    free(r->y.data);
}

static double relu_by_definition(double x)
{
    return x > 0 ? x : 0;
}

static void check_activations(struct pool *pool, size_t n, size_t h, size_t w, size_t c)
{
    static double (*const definitions[])(double) = {silu_by_definition, quick_gelu_by_definition,
                                                    gelu_by_definition, relu_by_definition};

    for (int f = ACTIVATION_SILU; f <= ACTIVATION_RELU; f++) {
        struct tensor x = random_tensor(1, n, h, w, c), want = zero_tensor(n, h, w, c);
        struct run apart = {
            .operation = ACTIVATE, .f = (enum activation)f, .y = zero_tensor(n, h, w, c), .a = x};
        struct run same = {.operation = ACTIVATE, .f = (enum activation)f, .y = x, .a = x};
        struct tensor again = zero_tensor(n, h, w, c);

        for (size_t i = 0; i < tensor_count(x); i++)
            again.data[i] = want.data[i] = (float)definitions[f]((double)x.data[i]);
        expect(pool, &apart, want, ACTIVATION_BOUND, "activate");
        expect(pool, &same, again, ACTIVATION_BOUND, "activate in place");
    }
}

TEST(activate_applies_the_named_function)
{
    each_shape(check_activations);
}

static void check_scale_and_copy(struct pool *pool, size_t n, size_t h, size_t w, size_t c)
{
    struct tensor x = random_tensor(1, n, h, w, c);
    struct tensor scaled = zero_tensor(n, h, w, c), copy = zero_tensor(n, h, w, c);
    struct run r = {.operation = COPY, .y = zero_tensor(n, h, w, c), .a = x};

    for (size_t i = 0; i < tensor_count(x); i++) {
        scaled.data[i] = (float)((double)x.data[i] * 0.3);
        copy.data[i] = x.data[i];
    }
    expect(pool, &r, copy, 0, "copy_tensor");
    r = (struct run){.operation = SCALE, .y = x, .a = x};
    expect(pool, &r, scaled, BOUND, "scale_by");
}

TEST(scale_and_copy)
{
    each_shape(check_scale_and_copy);
}

static void check_shift_and_limit(struct pool *pool, size_t n, size_t h, size_t w, size_t c)
{
    struct tensor x = random_tensor(1, n, h, w, c);
    struct tensor shifted = zero_tensor(n, h, w, c), limited = zero_tensor(n, h, w, c);
    struct run r = {.operation = SHIFT, .y = zero_tensor(n, h, w, c), .a = x};

    for (size_t i = 0; i < tensor_count(x); i++) {
        shifted.data[i] = (float)((double)x.data[i] * 0.3 - 0.2);
        limited.data[i] = (float)(tanh((double)x.data[i] / 3) * 3);
    }
    expect(pool, &r, shifted, BOUND, "scale_and_shift");
    r = (struct run){.operation = LIMIT, .y = x, .a = x};
    expect(pool, &r, limited, ACTIVATION_BOUND, "limit_softly");
}

TEST(shift_and_limit)
{
    each_shape(check_shift_and_limit);
}

/* What is added has y's items, or one for all. */
static void check_add_scaled(struct pool *pool, size_t n, size_t h, size_t w, size_t c)
{
    for (size_t items = 1; items <= n; items += n > 1 ? n - 1 : 1) {
        struct tensor x = random_tensor(1, items, h, w, c), y = random_tensor(2, n, h, w, c);
        struct tensor want = zero_tensor(n, h, w, c);
        struct run r = {.operation = ADD_SCALED, .y = y, .a = x};

        for (size_t i = 0; i < tensor_count(y); i++)
            want.data[i] = (float)((double)y.data[i] + 0.3 * (double)x.data[items > 1 ? i : i % (h * w * c)]);
        expect(pool, &r, want, BOUND, "add_scaled");
        free(x.data);
    }
}

TEST(what_is_added_is_scaled)
{
    each_shape(check_add_scaled);
}

/* Of two tensors of which one has more channels, the first ones. */
static void check_some_channels(struct pool *pool, size_t n, size_t h, size_t w, size_t c)
{
    struct tensor x = random_tensor(1, n, h, w, c), wide = random_tensor(2, n, h, w, c + 3);
    struct tensor copied = zero_tensor(n, h, w, c + 3), added = zero_tensor(n, h, w, c + 3);
    struct tensor narrow = zero_tensor(n, h, w, c), want = zero_tensor(n, h, w, c);
    struct run r = {.operation = COPY_CHANNELS, .y = random_tensor(2, n, h, w, c + 3), .a = x};

    for (size_t row = 0; row < tensor_rows(x); row++)
        for (size_t k = 0; k < c + 3; k++) {
            const size_t at = row * (c + 3) + k, from = row * c + k;

            copied.data[at] = k < c ? x.data[from] : wide.data[at];
            added.data[at] =
                k < c ? (float)((double)wide.data[at] + 0.3 * (double)x.data[from]) : wide.data[at];
            if (k >= c)
                continue;
            narrow.data[from] = x.data[from];
            want.data[from] = (float)((double)x.data[from] + 0.3 * (double)wide.data[at]);
        }
    expect(pool, &r, copied, 0, "copy_channels");
    r = (struct run){.operation = ADD_SCALED, .y = narrow, .a = wide};
    expect(pool, &r, want, BOUND, "add_scaled of fewer channels");
    r = (struct run){.operation = ADD_SCALED, .y = wide, .a = x};
    expect(pool, &r, added, BOUND, "add_scaled to more channels");
    free(x.data);
}

TEST(some_channels_of_a_tensor)
{
    each_shape(check_some_channels);
}

/* Values for all items alike, or for each its own. */
static void check_channel_values(struct pool *pool, struct tensor x, size_t items)
{
    struct tensor v = random_tensor(2, items, 1, 1, x.c), both = random_tensor(3, items, 1, 1, 2 * x.c);
    struct tensor y = zero_tensor(x.n, x.h, x.w, x.c), z = zero_tensor(x.n, x.h, x.w, x.c);
    struct tensor added = zero_tensor(x.n, x.h, x.w, x.c), shifted = zero_tensor(x.n, x.h, x.w, x.c);
    struct run r = {.operation = ADD_CHANNEL, .y = y, .a = v};

    for (size_t i = 0; i < tensor_count(x); i++) {
        const size_t k = i % x.c, item = items > 1 ? i / (x.h * x.w * x.c) : 0;
        const float *scale = both.data + item * 2 * x.c;

        y.data[i] = z.data[i] = x.data[i];
        added.data[i] = (float)((double)x.data[i] + (double)v.data[item * x.c + k]);
        shifted.data[i] = (float)((double)x.data[i] * (1 + (double)scale[k]) + (double)scale[x.c + k]);
    }
    expect(pool, &r, added, 0, "add_per_channel");
    r = (struct run){.operation = SCALE_SHIFT, .y = z, .a = both};
    expect(pool, &r, shifted, BOUND, "scale_shift_per_channel");
    free(v.data);
    free(both.data);
}

static void check_channels(struct pool *pool, size_t n, size_t h, size_t w, size_t c)
{
    struct tensor x = random_tensor(1, n, h, w, c);

    check_channel_values(pool, x, 1);
    check_channel_values(pool, x, n);
    free(x.data);
}

TEST(channels_take_their_values)
{
    each_shape(check_channels);
}

static void check_concat(struct pool *pool, size_t n, size_t h, size_t w, size_t c)
{
    struct tensor a = random_tensor(1, n, h, w, c), b = random_tensor(2, n, h, w, c + 3);
    struct tensor want = zero_tensor(n, h, w, 2 * c + 3);
    struct run r = {.operation = CONCAT, .y = zero_tensor(n, h, w, 2 * c + 3), .a = a, .b = b};

    for (size_t row = 0; row < tensor_rows(want); row++)
        for (size_t k = 0; k < want.c; k++)
            want.data[row * want.c + k] = k < c ? a.data[row * c + k] : b.data[row * (c + 3) + k - c];
    expect(pool, &r, want, 0, "concat_channels");
    free(a.data);
    free(b.data);
}

static void check_concat_one(struct pool *pool, size_t n, size_t h, size_t w, size_t c)
{
    struct tensor a = random_tensor(1, n, h, w, c), b = random_tensor(2, 1, h, w, c + 3);
    struct tensor want = zero_tensor(n, h, w, 2 * c + 3);
    struct run r = {.operation = CONCAT, .y = zero_tensor(n, h, w, 2 * c + 3), .a = a, .b = b};

    for (size_t row = 0; row < tensor_rows(want); row++)
        for (size_t k = 0; k < want.c; k++)
            want.data[row * want.c + k] =
                k < c ? a.data[row * c + k] : b.data[row % (h * w) * (c + 3) + k - c];
    expect(pool, &r, want, 0, "concat_channels with one item");
    free(a.data);
    free(b.data);
}

static void check_repeat(struct pool *pool, size_t n, size_t h, size_t w, size_t c)
{
    for (size_t from = 1; from <= n; from++) {
        struct tensor want = random_tensor(1, n, h, w, c);
        struct run r = {.operation = REPEAT, .y = random_tensor(1, n, h, w, c), .from = from};
        const size_t item = h * w * c;

        for (size_t i = from; i < n; i++)
            memcpy(want.data + i * item, want.data, item * sizeof(float));
        expect(pool, &r, want, 0, "repeat_first_item");
    }
}

TEST(concat_puts_the_first_first)
{
    each_shape(check_concat);
    each_shape(check_concat_one);
}

TEST(the_first_item_is_repeated)
{
    each_shape(check_repeat);
}
