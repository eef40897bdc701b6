/* test_torch_rng.c - against torch.randn, tests/parity/fixtures/samplers/randn.json. */
#include "base/torch_rng.h"

#include <math.h>
#include <stdlib.h>

#include <latentd/json.h>

#include "check.h"

static struct ltd_json *read_cases(void)
{
    struct ltd_error err;
    struct ltd_json *root = NULL;

    if (ltd_json_read_file("tests/parity/fixtures/samplers/randn.json", 1 << 20, &root, &err) != LTD_OK)
        check_failed(__FILE__, __LINE__, "%s", err.message);
    return root;
}

static size_t total_of(const struct ltd_json *draws)
{
    size_t total = 0;

    for (const struct ltd_json *d = ltd_json_first(draws); d; d = ltd_json_next(d))
        total += (size_t)ltd_json_number(d);
    return total;
}

/* In units of the last place of the value wanted. */
static double ulps_between(float got, float want)
{
    const double ulp = (double)(nextafterf(fabsf(want), INFINITY) - fabsf(want));

    return fabs((double)got - (double)want) / ulp;
}

static void check_case(const struct ltd_json *c)
{
    const struct ltd_json *draws = ltd_json_get(c, "draws");
    const struct ltd_json *value = ltd_json_first(ltd_json_get(c, "values"));
    const size_t stride = ltd_json_get(c, "stride") ? (size_t)ltd_json_number(ltd_json_get(c, "stride")) : 1;
    const size_t total = total_of(draws);
    float *got = malloc(total * sizeof *got);
    struct torch_rng rng;
    uint64_t seed = 0;
    size_t at = 0;

    if (!got || !ltd_json_uint64(ltd_json_get(c, "seed"), &seed)) {
        check_failed(__FILE__, __LINE__, "a case cannot be read");
        free(got);
        return;
    }
    torch_rng_init(&rng, seed);
    for (const struct ltd_json *d = ltd_json_first(draws); d; d = ltd_json_next(d)) {
        torch_rng_normal(&rng, got + at, (size_t)ltd_json_number(d));
        at += (size_t)ltd_json_number(d);
    }
    CHECK_INT(ltd_json_size(ltd_json_get(c, "values")), (total + stride - 1) / stride);
    for (at = 0; value && at < total; at += stride, value = ltd_json_next(value)) {
        const float want = (float)ltd_json_number(value);

        if (!(ulps_between(got[at], want) <= 4))
            check_failed(__FILE__, __LINE__, "seed %llu, value %zu of %zu is %.9g, not %.9g",
                         (unsigned long long)seed, at, total, (double)got[at], (double)want);
    }
    free(got);
}

TEST(normal_noise_is_torch_randn_to_four_ulp)
{
    struct ltd_json *root = read_cases();

    REQUIRE(root);
    CHECK(ltd_json_size(ltd_json_get(root, "cases")) >= 40);
    for (const struct ltd_json *c = ltd_json_first(ltd_json_get(root, "cases")); c; c = ltd_json_next(c))
        check_case(c);
    ltd_json_free(root);
}

TEST(only_the_low_32_bits_of_a_seed_count)
{
    struct torch_rng a, b;
    float x[40], y[40];

    torch_rng_init(&a, 5);
    torch_rng_init(&b, (UINT64_C(1) << 32) + 5);
    torch_rng_normal(&a, x, 40);
    torch_rng_normal(&b, y, 40);
    CHECK(memcmp(x, y, sizeof x) == 0);
    torch_rng_init(&b, 6);
    torch_rng_normal(&b, y, 40);
    CHECK(memcmp(x, y, sizeof x) != 0);
}

TEST(noise_has_the_moments_of_a_standard_normal)
{
    enum { N = 1 << 18 };
    float *x = malloc(N * sizeof *x);
    struct torch_rng rng;
    double sum = 0, squares = 0, fourth = 0;

    REQUIRE(x);
    torch_rng_init(&rng, 123);
    torch_rng_normal(&rng, x, N);
    for (int i = 0; i < N; i++) {
        const double v = (double)x[i];

        sum += v;
        squares += v * v;
        fourth += v * v * v * v;
    }
    free(x);
    /* Five standard errors: 1, sqrt 2 and sqrt 96 over sqrt N. */
    CHECK_NEAR(sum / N, 0, 5.0 / 512);
    CHECK_NEAR(squares / N, 1, 5.0 * 1.4143 / 512);
    CHECK_NEAR(fourth / N, 3, 5.0 * 9.798 / 512);
}
