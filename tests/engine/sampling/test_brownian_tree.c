/* test_brownian_tree.c - against torchsde.BrownianTree, tests/parity/fixtures/samplers/brownian.json. */
#include "sampling/brownian_tree.h"

#include <math.h>

#include <latentd/json.h>

#include "check.h"

enum { MAX_VALUES = 32 };

static void check_way(const struct brownian_tree *tree, const struct ltd_json *way,
                      const struct ltd_json *values)
{
    const struct ltd_json *from = ltd_json_first(way), *v = ltd_json_first(values);
    const size_t n = ltd_json_size(values);
    float got[MAX_VALUES], scratch[BROWNIAN_TREE_VECTORS * MAX_VALUES];

    REQUIRE(n > 0 && n <= MAX_VALUES);
    brownian_tree_noise(tree, got, (float)ltd_json_number(from), (float)ltd_json_number(ltd_json_next(from)),
                        n, scratch);
    for (size_t i = 0; v; i++, v = ltd_json_next(v))
        CHECK_NEAR(got[i], ltd_json_number(v), 2e-6);
}

static void check_case(const struct ltd_json *c)
{
    const struct ltd_json *way = ltd_json_first(ltd_json_get(c, "ways"));
    const struct ltd_json *values = ltd_json_first(ltd_json_get(c, "values"));
    struct brownian_tree tree;
    uint64_t seed = 0;

    REQUIRE(ltd_json_uint64(ltd_json_get(c, "seed"), &seed));
    brownian_tree_init(&tree, seed, (float)ltd_json_number(ltd_json_get(c, "low")),
                       (float)ltd_json_number(ltd_json_get(c, "high")));
    for (; way && values; way = ltd_json_next(way), values = ltd_json_next(values))
        check_way(&tree, way, values);
    CHECK(!way && !values);
}

TEST(a_path_is_torchsdes_whatever_is_asked_first)
{
    struct ltd_json *root = NULL;
    struct ltd_error err;

    REQUIRE(ltd_json_read_file("tests/parity/fixtures/samplers/brownian.json", 1 << 20, &root, &err) ==
            LTD_OK);
    CHECK_INT(ltd_json_size(ltd_json_get(root, "cases")), 32);
    for (const struct ltd_json *c = ltd_json_first(ltd_json_get(root, "cases")); c; c = ltd_json_next(c))
        check_case(c);
    ltd_json_free(root);
}

TEST(the_way_back_is_the_way_with_its_sign_turned)
{
    float there[20], back[20], scratch[BROWNIAN_TREE_VECTORS * 20];
    struct brownian_tree tree;

    brownian_tree_init(&tree, 3, 0.03F, 14.6F);
    brownian_tree_noise(&tree, there, 5, 0.7F, 20, scratch);
    brownian_tree_noise(&tree, back, 0.7F, 5, 20, scratch);
    for (int i = 0; i < 20; i++)
        CHECK(there[i] == -back[i]);
}

TEST(beyond_its_ends_and_between_equal_sigmas_a_path_stands_still)
{
    float x[20], y[20], scratch[BROWNIAN_TREE_VECTORS * 20];
    struct brownian_tree tree;

    brownian_tree_init(&tree, 3, 0.5F, 2);
    brownian_tree_noise(&tree, x, 1, 1, 20, scratch);
    brownian_tree_noise(&tree, y, 3, 4, 20, scratch);
    for (int i = 0; i < 20; i++)
        CHECK(x[i] == 0 && y[i] == 0);
    brownian_tree_noise(&tree, x, 4, 1, 20, scratch);
    brownian_tree_noise(&tree, y, 2, 1, 20, scratch);
    for (int i = 0; i < 20; i++)
        CHECK_NEAR(x[i] * sqrtf(3), y[i], 1e-5);
}

TEST(parts_of_a_path_are_normal_and_have_nothing_to_do_with_each_other)
{
    enum { N = 1 << 14 };
    static float x[N], y[N], scratch[BROWNIAN_TREE_VECTORS * N];
    struct brownian_tree tree;
    double squares = 0, product = 0;

    brownian_tree_init(&tree, 11, 0.03F, 14.6F);
    brownian_tree_noise(&tree, x, 9, 4, N, scratch);
    brownian_tree_noise(&tree, y, 4, 3.5F, N, scratch);
    for (int i = 0; i < N; i++) {
        squares += (double)x[i] * (double)x[i];
        product += (double)x[i] * (double)y[i];
    }
    /* Five standard errors: sqrt 2 and 1 over sqrt N. */
    CHECK_NEAR(squares / N, 1, 5 * 1.4143 / 128);
    CHECK_NEAR(product / N, 0, 5.0 / 128);
}
