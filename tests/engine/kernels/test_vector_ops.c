/* test_vector_ops.c - every routine at every instruction-set level against its definition in double. */
#include "kernels/vector_ops.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "check.h"
#include "definitions.h"
#include "kernels/tile_ops.h"
#include "random_values.h"

/* Half the distance from 1 to the next float: what one rounding may be off, relatively. */
#define U 0x1p-24

#define LONGEST 67
#define STARTS  4
#define ROOM    (LONGEST + STARTS + 1)
#define GUARD   1234.5f

static const char *const isa_names[] = {"generic", "avx2", "avx512"};

/* Calls check for each level that this machine has. */
static void at_every_level(void (*check)(const struct vector_ops *v))
{
    for (size_t i = 0; i < COUNT(isa_names); i++) {
        const struct vector_ops *v = vector_ops_find(isa_names[i]);

        if (v)
            check(v);
    }
}

/* Rows of all short lengths at all starts; what lies behind a row keeps its guard. */
struct row_case {
    const struct vector_ops *v;
    const char *name;
    size_t n, start;
    float *out; /* all GUARD, or what a routine adds to */
    const float *x, *y, *z;
};

static void complain(const struct row_case *c, size_t i, double got, double want)
{
    check_failed(__FILE__, __LINE__, "%s %s: value %zu of %zu from %zu is %.9g, not %.9g", c->v->isa, c->name,
                 i, c->n, c->start, got, want);
}

static void expect(const struct row_case *c, size_t i, double want, double relative)
{
    const double got = (double)c->out[i];

    if (!(fabs(got - want) <= fabs(want) * relative + FLT_MIN))
        complain(c, i, got, want);
}

static void for_all_rows(const struct vector_ops *v, const char *name, void (*run)(struct row_case *c))
{
    float *x = random_values(1, ROOM), *y = random_values(2, ROOM), *z = random_values(3, ROOM);
    float out[ROOM];

    for (size_t i = 0; i < ROOM; i++)
        x[i] *= 8;
    for (size_t start = 0; start < STARTS; start++)
        for (size_t n = 0; n <= LONGEST; n++) {
            struct row_case c = {v, name, n, start, out + start, x + start, y + start, z + start};

            for (size_t i = 0; i < ROOM; i++)
                out[i] = GUARD;
            run(&c);
            for (size_t i = 0; i < ROOM; i++)
                if ((i < start || i >= start + n) && out[i] != GUARD)
                    complain(&c, i, (double)out[i], (double)GUARD);
        }
    free(x);
    free(y);
    free(z);
}

static void silu_row(struct row_case *c)
{
    c->v->silu(c->out, c->x, c->n);
    for (size_t i = 0; i < c->n; i++)
        expect(c, i, silu_by_definition((double)c->x[i]), 6 * U);
}

static void quick_gelu_row(struct row_case *c)
{
    c->v->quick_gelu(c->out, c->x, c->n);
    /* 1.702 x is rounded, and e^(1.702 x) is off by |1.702 x| times that. */
    for (size_t i = 0; i < c->n; i++)
        expect(c, i, quick_gelu_by_definition((double)c->x[i]), (8 + 2 * 1.702 * fabs((double)c->x[i])) * U);
}

/* The Chebyshev fit is off by 1.2e-7, and e^(-x^2/2) by the rounding of its exponent. */
static double gelu_bound(double x)
{
    return 1.2e-7 + (8 + 3 * x * x) * U;
}

static void gelu_row(struct row_case *c)
{
    c->v->gelu(c->out, c->x, c->n);
    for (size_t i = 0; i < c->n; i++)
        expect(c, i, gelu_by_definition((double)c->x[i]), gelu_bound((double)c->x[i]));
}

static void relu_row(struct row_case *c)
{
    c->v->relu(c->out, c->x, c->n);
    for (size_t i = 0; i < c->n; i++)
        expect(c, i, c->x[i] > 0 ? (double)c->x[i] : 0, 0);
}

static void mul_gelu_row(struct row_case *c)
{
    c->v->mul_gelu(c->out, c->y, c->x, c->n);
    for (size_t i = 0; i < c->n; i++)
        expect(c, i, (double)c->y[i] * gelu_by_definition((double)c->x[i]), gelu_bound((double)c->x[i]) + U);
}

static void add_to_row(struct row_case *c)
{
    memcpy(c->out, c->x, c->n * sizeof *c->out);
    c->v->add_to(c->out, c->y, c->n);
    for (size_t i = 0; i < c->n; i++)
        expect(c, i, (double)c->x[i] + (double)c->y[i], U);
}

/* A product and a sum, each rounded: the error is relative to the two terms, not to what is left of them. */
static void expect_sum(const struct row_case *c, size_t i, double product, double term)
{
    const double want = product + term, got = (double)c->out[i];

    if (!(fabs(got - want) <= (fabs(product) + fabs(want)) * U))
        complain(c, i, got, want);
}

static void scaled_add_row(struct row_case *c)
{
    c->v->scaled_add(c->out, c->x, c->y, 0.37f, c->n);
    for (size_t i = 0; i < c->n; i++)
        expect_sum(c, i, (double)c->y[i] * (double)0.37f, (double)c->x[i]);
}

static void leaky_relu_row(struct row_case *c)
{
    c->v->leaky_relu(c->out, c->x, c->y, c->n);
    for (size_t i = 0; i < c->n; i++)
        expect(c, i, (double)c->x[i] * (c->x[i] < 0 ? (double)c->y[i] : 1), U);
}

static void affine_row(struct row_case *c)
{
    c->v->affine(c->out, c->x, c->y, c->z, c->n);
    for (size_t i = 0; i < c->n; i++)
        expect_sum(c, i, (double)c->x[i] * (double)c->y[i], (double)c->z[i]);
}

static void affine_silu_row(struct row_case *c)
{
    c->v->affine_silu(c->out, c->x, c->y, c->z, c->n);
    for (size_t i = 0; i < c->n; i++) {
        const double product = (double)c->x[i] * (double)c->y[i], sum = product + (double)c->z[i];
        const double want = silu_by_definition(sum), got = (double)c->out[i];

        /* silu is never steeper than 1.1. */
        if (!(fabs(got - want) <= 1.1 * (fabs(product) + fabs(sum)) * U + 8 * fabs(want) * U))
            complain(c, i, got, want);
    }
}

static void normalize_row(struct row_case *c)
{
    double mean = 0, variance = 0;

    for (size_t i = 0; i < c->n; i++)
        mean += (double)c->x[i] / (double)c->n;
    for (size_t i = 0; i < c->n; i++)
        variance += pow((double)c->x[i] - mean, 2) / (double)c->n;
    if (c->n > 0)
        c->v->normalize(c->out, c->x, c->y, c->z, 0.5, c->n);
    /* The mean is off by its own rounding, of values up to 8, and by those of up to 2 additions a lane; none
     * of the values is further than 4 from 0 afterwards. */
    for (size_t i = 0; i < c->n; i++) {
        const double normal = ((double)c->x[i] - mean) / sqrt(variance + 0.5);
        const double want = normal * (double)c->y[i] + (double)c->z[i], got = (double)c->out[i];

        if (!(fabs(got - want) <= (16 / sqrt(variance + 0.5) + 8 * fabs(normal) + 1) * U))
            complain(c, i, got, want);
    }
}

#define ROW_TEST(name)                                   \
    static void check_##name(const struct vector_ops *v) \
    {                                                    \
        for_all_rows(v, #name, name##_row);              \
    }                                                    \
    TEST(name##_of_every_length_and_start)               \
    {                                                    \
        at_every_level(check_##name);                    \
    }

ROW_TEST(silu)
ROW_TEST(quick_gelu)
ROW_TEST(gelu)
ROW_TEST(relu)
ROW_TEST(mul_gelu)
ROW_TEST(add_to)
ROW_TEST(scaled_add)
ROW_TEST(leaky_relu)
ROW_TEST(affine)
ROW_TEST(affine_silu)
ROW_TEST(normalize)

static void check_in_place(const struct vector_ops *v)
{
    float *x = random_values(4, LONGEST), *y = random_values(5, LONGEST), apart[LONGEST], same[LONGEST];

    memcpy(same, x, sizeof same);
    v->silu(apart, x, LONGEST);
    v->silu(same, same, LONGEST);
    CHECK(memcmp(apart, same, sizeof same) == 0);
    memcpy(same, x, sizeof same);
    v->gelu(apart, x, LONGEST);
    v->gelu(same, same, LONGEST);
    CHECK(memcmp(apart, same, sizeof same) == 0);
    memcpy(same, x, sizeof same);
    v->affine_silu(apart, x, y, y, LONGEST);
    v->affine_silu(same, same, y, y, LONGEST);
    CHECK(memcmp(apart, same, sizeof same) == 0);
    free(x);
    free(y);
}

TEST(in_place_is_the_same_as_apart)
{
    at_every_level(check_in_place);
}

/* Equal bits, any NaN for any NaN. */
static bool same_float(float a, float b)
{
    return (isnan(a) && isnan(b)) || (a == b && signbit(a) == signbit(b));
}

static void check_conversions(const struct vector_ops *v)
{
    uint16_t *codes = allocate(65536, sizeof *codes);
    float *f16 = allocate(65536, sizeof *f16), *bf16 = allocate(65536, sizeof *bf16);

    for (size_t i = 0; i < 65536; i++)
        codes[i] = (uint16_t)i;
    v->f16_to_f32(f16, codes, 65536);
    v->bf16_to_f32(bf16, codes, 65536);
    for (size_t i = 0; i < 65536; i++) {
        if (!same_float(f16[i], (float)f16_by_definition((uint16_t)i)))
            check_failed(__FILE__, __LINE__, "%s: f16 %04zx is %.9g", v->isa, i, (double)f16[i]);
        if (!same_float(bf16[i], (float)bf16_by_definition((uint16_t)i)))
            check_failed(__FILE__, __LINE__, "%s: bf16 %04zx is %.9g", v->isa, i, (double)bf16[i]);
    }
    free(codes);
    free(f16);
    free(bf16);
}

TEST(every_f16_and_bf16_code_is_converted_exactly)
{
    at_every_level(check_conversions);
}

static void check_short_conversions(const struct vector_ops *v)
{
    uint16_t codes[ROOM];
    float out[ROOM];

    for (size_t i = 0; i < ROOM; i++)
        codes[i] = (uint16_t)(0x3c00 + 17 * i);
    for (size_t start = 0; start < STARTS; start++)
        for (size_t n = 0; n <= LONGEST; n++) {
            for (size_t i = 0; i < ROOM; i++)
                out[i] = GUARD;
            v->f16_to_f32(out + start, codes + start, n);
            for (size_t i = 0; i < ROOM; i++) {
                const bool inside = i >= start && i < start + n;

                CHECK(out[i] == (inside ? (float)f16_by_definition(codes[i]) : GUARD));
            }
        }
}

TEST(conversions_of_every_length_and_start)
{
    at_every_level(check_short_conversions);
}

static void check_wide_range(const struct vector_ops *v)
{
    for (int i = -8700; i <= 10000; i++) {
        const float x = (float)i / 100;
        const double d = (double)x;
        float silu, gelu;

        v->silu(&silu, &x, 1);
        v->gelu(&gelu, &x, 1);
        if (!(fabs((double)silu - silu_by_definition(d)) <= fabs(silu_by_definition(d)) * 8 * U))
            check_failed(__FILE__, __LINE__, "%s: silu(%g) is %.9g", v->isa, d, (double)silu);
        if (!(fabs((double)gelu - gelu_by_definition(d)) <=
              fabs(gelu_by_definition(d)) * gelu_bound(d) + fabs(d) * FLT_MIN))
            check_failed(__FILE__, __LINE__, "%s: gelu(%g) is %.9g", v->isa, d, (double)gelu);
    }
}

TEST(activations_keep_their_relative_accuracy_far_from_zero)
{
    at_every_level(check_wide_range);
}

static void check_extremes(const struct vector_ops *v)
{
    const float x[] = {-FLT_MAX, -1e10f, -1000, -90, 0, 90, 1000, 1e10f, FLT_MAX, NAN};
    float silu[COUNT(x)], gelu[COUNT(x)], quick[COUNT(x)];

    v->silu(silu, x, COUNT(x));
    v->gelu(gelu, x, COUNT(x));
    v->quick_gelu(quick, x, COUNT(x));
    for (size_t i = 0; i < COUNT(x) - 1; i++) {
        const float want = x[i] > 0 ? x[i] : 0;

        /* e^88.3 stands for everything above it: left of -88.3 the result is x / 2e38, not yet 0. */
        CHECK_NEAR(silu[i], want, fabsf(x[i]) * 1e-38f);
        CHECK_NEAR(quick[i], want, fabsf(x[i]) * 1e-38f);
        CHECK_NEAR(gelu[i], want, 0);
    }
    CHECK(isnan(silu[COUNT(x) - 1]) && isnan(gelu[COUNT(x) - 1]) && isnan(quick[COUNT(x) - 1]));
}

TEST(activations_of_extreme_values_are_their_limits_and_nan_stays_nan)
{
    at_every_level(check_extremes);
}

static void check_moments(const struct vector_ops *v)
{
    enum { ROWS = 7 };
    float *x = random_values(6, STARTS + ROWS * LONGEST);
    double sum[ROOM], square[ROOM];

    for (size_t start = 0; start < STARTS; start++)
        for (size_t rows = 0; rows <= ROWS; rows++)
            for (size_t n = 0; n <= LONGEST; n++) {
                for (size_t i = 0; i < ROOM; i++)
                    sum[i] = square[i] = (double)i;
                v->add_moments(sum + start, square + start, x + start, rows, n);
                for (size_t i = 0; i < ROOM; i++) {
                    double want_sum = (double)i, want_square = (double)i;

                    for (size_t r = 0; r < rows && i >= start && i < start + n; r++) {
                        want_sum += (double)x[r * n + i];
                        want_square += pow((double)x[r * n + i], 2);
                    }
                    /* A few sums and products in double. */
                    CHECK_NEAR(sum[i], want_sum, 5e-14);
                    CHECK_NEAR(square[i], want_square, 5e-14);
                }
            }
    free(x);
}

TEST(moments_of_every_length_and_start)
{
    at_every_level(check_moments);
}

TEST(a_level_is_found_by_its_name_alone)
{
    REQUIRE(vector_ops_find("generic") != NULL);
    CHECK_STR(vector_ops_find("generic")->isa, "generic");
    CHECK(vector_ops_find("") == NULL);
    CHECK(vector_ops_find("avx") == NULL);
    CHECK(vector_ops() == vector_ops_find(vector_ops()->isa));
}

TEST(the_level_that_is_asked_for_is_used)
{
    const char *asked = getenv("LATENTD_ISA");

    for (size_t i = 0; asked && i < COUNT(isa_names); i++)
        if (strcmp(asked, isa_names[i]) == 0 && vector_ops_find(asked)) {
            CHECK_STR(vector_ops()->isa, asked);
            CHECK_STR(tile_ops()->isa, asked);
        }
}
