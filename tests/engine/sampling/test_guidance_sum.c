/* Guidance over rows of plain numbers. */
#include "sampling/guidance_sum.h"

#include "check.h"

enum { N = 3 };

static const double weights[] = {1, 0.5, -2};

TEST(one_row_is_the_answer)
{
    const struct guidance_sum g = {.guided = false, .parts = 1, .scale = 7, .weights = weights + 2};
    const float rows[N] = {1, 2, 3};
    float got[N] = {0};

    guidance_sum(&g, got, rows, N);
    CHECK(memcmp(got, rows, sizeof got) == 0);
}

TEST(one_part_with_guidance)
{
    const struct guidance_sum g = {.guided = true, .parts = 1, .scale = 3, .weights = weights};
    float rows[2][N] = {{1, 2, 3}, {2, 0, 3}};

    guidance_sum(&g, rows[0], rows[0], N);
    CHECK_NEAR(rows[0][0], 1 + 3 * (2 - 1), 0);
    CHECK_NEAR(rows[0][1], 2 + 3 * (0 - 2), 0);
    CHECK_NEAR(rows[0][2], 3, 0);
}

TEST(several_parts_are_added_each_with_its_weight)
{
    const struct guidance_sum g = {.guided = true, .parts = 3, .scale = 2, .weights = weights};
    float rows[4][N] = {{1, 0, 0}, {2, 1, 0}, {3, 0, 4}, {5, 0, 1}};

    guidance_sum(&g, rows[0], rows[0], N);
    CHECK_NEAR(rows[0][0], 1 + 2 * 1 + 1 * 2 - 4 * 4, 0);
    CHECK_NEAR(rows[0][1], 2, 0);
    CHECK_NEAR(rows[0][2], 1 * 4 - 4 * 1, 0);
}

/* The first part stands for the negative prompt, so that its own weight changes nothing. */
TEST(several_parts_without_guidance)
{
    const struct guidance_sum g = {.guided = false, .parts = 3, .scale = 2, .weights = weights};
    float rows[3][N] = {{1, 2, 0}, {3, 0, 4}, {5, 0, 1}};

    guidance_sum(&g, rows[0], rows[0], N);
    CHECK_NEAR(rows[0][0], 1 + 0.5 * 2 - 2 * 4, 0);
    CHECK_NEAR(rows[0][1], 2 - 0.5 * 2 + 2 * 2, 0);
    CHECK_NEAR(rows[0][2], 0.5 * 4 - 2 * 1, 0);
}

/* With all of it taken back, the answer spreads as far as the prompt's row does. */
TEST(the_spread_is_taken_back)
{
    struct guidance_sum g = {.guided = true, .parts = 1, .scale = 3, .weights = weights, .rescale = 1};
    const float rows[2][N] = {{0, 0, 0}, {1, 2, 6}};
    float all[N], half[N];

    guidance_sum(&g, all, rows[0], N);
    CHECK_NEAR(all[0], 1, 1e-6);
    CHECK_NEAR(all[1], 2, 1e-6);
    CHECK_NEAR(all[2], 6, 1e-6);
    g.rescale = 0.5;
    guidance_sum(&g, half, rows[0], N);
    CHECK_NEAR(half[2], (6 + 18) / 2., 1e-5);
}

TEST(what_is_said_without_the_picture_is_gone_away_from)
{
    const struct guidance_sum g = {.guided = true, .parts = 1, .scale = 3, .weights = weights};
    float rows[3][N] = {{1, 0, 2}, {2, 1, 2}, {4, 0, 3}};

    guidance_sum_with_image(&g, 1.5, rows[0], N);
    CHECK_NEAR(rows[0][0], 1 + 1.5 * (2 - 1) + 3 * (4 - 2), 1e-6);
    CHECK_NEAR(rows[0][1], 0 + 1.5 * (1 - 0) + 3 * (0 - 1), 1e-6);
    CHECK_NEAR(rows[0][2], 2 + 3 * (3 - 2), 1e-6);
}
