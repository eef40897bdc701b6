/* test_group_norm.c - group and layer normalisation against their definitions. */
#include "kernels/group_norm.h"

#include <stdlib.h>

#include "check.h"
#include "definitions.h"
#include "random_values.h"
#include "run_exec.h"

/* Moments are summed in double; x * scale + shift rounds twice, each 6e-8 of terms as large as the result
 * plus the mean over the deviation (at most 6 in the cases below). */
#define BOUND 5e-7

struct norm_run {
    struct tensor y, x;
    struct group_norm group;
    struct layer_norm layer;
    bool silu;
};

static void run_group(void *arg, struct exec *e)
{
    const struct norm_run *r = arg;

    group_norm(e, r->y, r->x, &r->group, r->silu);
}

static void run_layer(void *arg, struct exec *e)
{
    const struct norm_run *r = arg;

    layer_norm(e, r->y, r->x, &r->layer);
}

struct norm_case {
    size_t n, h, w, c, groups;
    float mean;
};

static struct tensor shifted_tensor(const struct norm_case *c)
{
    struct tensor x = random_tensor(1, c->n, c->h, c->w, c->c);

    for (size_t i = 0; i < tensor_count(x); i++)
        x.data[i] = x.data[i] * (1 + (float)(i % 3)) + c->mean;
    return x;
}

/* The worse of a run into another tensor and a run in place. */
static double both_ways(struct norm_run *r, run_exec_fn *run, struct tensor want, struct pool *pool)
{
    double apart = 1, same = 1;

    if (run_exec(pool, run, r))
        apart = check_relative_error(r->y.data, want.data, tensor_count(want));
    r->y = r->x;
    if (run_exec(pool, run, r))
        same = check_relative_error(r->y.data, want.data, tensor_count(want));
    return apart > same ? apart : same;
}

static double norm_error(const struct norm_case *c, bool silu, double eps, struct pool *pool)
{
    struct tensor x = shifted_tensor(c), y = zero_tensor(c->n, c->h, c->w, c->c), want;
    float *gamma = random_values(2, c->c), *beta = random_values(3, c->c);
    struct norm_run r = {.y = y, .x = x, .group = {gamma, beta, c->groups, eps}, .layer = {gamma, beta, eps}};
    double error;

    want = zero_tensor(c->n, c->h, c->w, c->c);
    r.silu = silu;
    if (c->groups > 0)
        group_norm_by_definition(want, x, &r.group, silu);
    else
        layer_norm_by_definition(want, x, &r.layer);
    error = both_ways(&r, c->groups > 0 ? run_group : run_layer, want, pool);
    free(x.data);
    free(y.data);
    free(want.data);
    free(gamma);
    free(beta);
    return error;
}

TEST(group_norm_agrees_with_its_definition)
{
    static const struct norm_case cases[] = {
        {1, 1, 1, 2, 1, 0},    {2, 3, 5, 12, 4, 0},   {3, 4, 4, 7, 7, 0.5f}, {1, 9, 7, 30, 1, -2},
        {2, 8, 8, 320, 32, 0}, {2, 70, 61, 32, 8, 3}, {1, 1, 40, 33, 3, 5},  {2, 2, 1, 1280, 32, 0},
    };
    struct pool *pool;

    REQUIRE(pool_new(2, &pool, NULL) == LTD_OK);
    for (size_t i = 0; i < COUNT(cases); i++)
        for (int silu = 0; silu < 2; silu++) {
            const double error = norm_error(&cases[i], silu, 1e-5, pool);

            if (!(error <= BOUND))
                check_failed(__FILE__, __LINE__, "case %zu, silu %d: %.2e", i, silu, error);
        }
    pool_free(pool);
}

TEST(layer_norm_agrees_with_its_definition)
{
    static const struct norm_case cases[] = {
        {1, 1, 1, 2, 0, 0},  {1, 77, 1, 768, 0, 0.3f}, {2, 65, 1, 33, 0, -1},
        {3, 5, 1, 16, 0, 4}, {2, 300, 1, 320, 0, 0},   {1, 4, 1, 1, 0, 3},
    };
    struct pool *pool;

    REQUIRE(pool_new(2, &pool, NULL) == LTD_OK);
    for (size_t i = 0; i < COUNT(cases); i++) {
        const double error = norm_error(&cases[i], false, 1e-5, pool);

        if (!(error <= BOUND))
            check_failed(__FILE__, __LINE__, "case %zu: %.2e", i, error);
    }
    pool_free(pool);
}

TEST(eps_is_inside_the_root)
{
    const struct norm_case group = {2, 4, 4, 8, 2, 0}, layer = {1, 9, 1, 8, 0, 0};
    struct pool *pool;

    REQUIRE(pool_new(1, &pool, NULL) == LTD_OK);
    CHECK(norm_error(&group, false, 0.5, pool) <= BOUND);
    CHECK(norm_error(&layer, false, 0.5, pool) <= BOUND);
    pool_free(pool);
}

TEST(a_constant_input_gives_beta)
{
    struct tensor x = zero_tensor(1, 4, 4, 6), y = zero_tensor(1, 4, 4, 6);
    float *gamma = random_values(2, 6), *beta = random_values(3, 6);
    struct norm_run r = {.y = y, .x = x, .group = {gamma, beta, 3, 1e-5}, .layer = {gamma, beta, 1e-5}};
    struct pool *pool;

    REQUIRE(pool_new(1, &pool, NULL) == LTD_OK);
    for (size_t i = 0; i < tensor_count(x); i++)
        x.data[i] = 0.75f;
    CHECK(run_exec(pool, run_group, &r));
    /* 0.75 times a scale of about 300, less as much: off by a rounding of 237. */
    for (size_t i = 0; i < tensor_count(y); i++)
        CHECK_NEAR(y.data[i], beta[i % 6], 237 * 0x1p-23);
    CHECK(run_exec(pool, run_layer, &r));
    for (size_t i = 0; i < tensor_count(y); i++)
        CHECK_NEAR(y.data[i], beta[i % 6], 0);
    free(x.data);
    free(y.data);
    free(gamma);
    free(beta);
    pool_free(pool);
}
