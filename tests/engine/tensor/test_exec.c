/* test_exec.c - whose time and work a loop's are. */
#include "tensor/exec.h"

#include <stdio.h>

#include "check.h"

static void nothing(void *arg, size_t tile, void *scratch)
{
    (void)arg;
    (void)tile;
    (void)scratch;
}

static struct exec exec_on(struct arena *arena, struct pool *pool, struct ltd_timings *timings)
{
    return (struct exec){.arena = arena, .pool = pool, .timings = timings};
}

static void loop(struct exec *e, enum ltd_operator kind)
{
    exec_tiles(e, kind, 3, 0, nothing, NULL);
}

TEST(loops_are_told_apart_by_stage_and_kind)
{
    struct ltd_timings t = {.count = 0};
    struct arena arena = {0};
    struct pool *pool = NULL;
    struct ltd_error err;
    struct exec e;

    REQUIRE(pool_new(1, &pool, &err) == LTD_OK);
    e = exec_on(&arena, pool, &t);
    exec_stage(&e, "in", -1);
    exec_count_product(&e, 2, 3, 4);
    loop(&e, LTD_OPERATOR_CONV);
    loop(&e, LTD_OPERATOR_NORM);
    exec_stage(&e, "down", 0);
    exec_count_product(&e, 1, 1, 1);
    exec_count_product(&e, 1, 1, 2);
    loop(&e, LTD_OPERATOR_ATTENTION);
    exec_stage(&e, "down", 1);
    loop(&e, LTD_OPERATOR_OTHER);
    exec_stage(&e, "in", -1);
    loop(&e, LTD_OPERATOR_CONV);

    CHECK_INT(t.count, 3);
    CHECK_STR(t.stages[0].name, "in");
    CHECK_INT(t.stages[0].index, -1);
    CHECK_INT(t.stages[0].kinds[LTD_OPERATOR_CONV].loops, 2);
    CHECK_NEAR(t.stages[0].kinds[LTD_OPERATOR_CONV].flop, 48, 0);
    CHECK_INT(t.stages[0].kinds[LTD_OPERATOR_NORM].loops, 1);
    CHECK_NEAR(t.stages[0].kinds[LTD_OPERATOR_NORM].flop, 0, 0);
    CHECK_INT(t.stages[1].index, 0);
    CHECK_NEAR(t.stages[1].kinds[LTD_OPERATOR_ATTENTION].flop, 6, 0);
    CHECK_INT(t.stages[2].index, 1);
    CHECK_INT(t.stages[2].kinds[LTD_OPERATOR_OTHER].loops, 1);
    CHECK(t.stages[0].kinds[LTD_OPERATOR_CONV].seconds > 0 &&
          t.stages[0].kinds[LTD_OPERATOR_CONV].seconds < 1);
    pool_free(pool);
}

TEST(timings_may_be_emptied_in_between_and_may_be_full)
{
    struct ltd_timings t = {.count = 0};
    struct arena arena = {0};
    struct pool *pool = NULL;
    struct ltd_error err;
    struct exec e;

    REQUIRE(pool_new(1, &pool, &err) == LTD_OK);
    e = exec_on(&arena, pool, &t);
    loop(&e, LTD_OPERATOR_OTHER);
    CHECK_STR(t.stages[0].name, "");
    exec_stage(&e, "up", 2);
    loop(&e, LTD_OPERATOR_OTHER);
    t = (struct ltd_timings){.count = 0};
    loop(&e, LTD_OPERATOR_OTHER);
    CHECK_INT(t.count, 1);
    CHECK_STR(t.stages[0].name, "up");
    for (int i = 0; i < LTD_MAX_STAGES + 5; i++) {
        exec_stage(&e, "level", i);
        loop(&e, LTD_OPERATOR_LINEAR);
    }
    CHECK_INT(t.count, LTD_MAX_STAGES);
    CHECK_INT(t.stages[LTD_MAX_STAGES - 1].kinds[LTD_OPERATOR_LINEAR].loops, 7);
    pool_free(pool);
}

TEST(nothing_is_timed_dry_or_unless_asked)
{
    struct ltd_timings t = {.count = 0};
    struct arena arena = {0}, dry;
    struct pool *pool = NULL;
    struct ltd_error err;
    struct exec e;

    arena_init_dry(&dry);
    e = exec_on(&dry, NULL, &t);
    loop(&e, LTD_OPERATOR_CONV);
    CHECK_INT(t.count, 0);
    REQUIRE(pool_new(1, &pool, &err) == LTD_OK);
    e = exec_on(&arena, pool, NULL);
    loop(&e, LTD_OPERATOR_CONV);
    pool_free(pool);
}

TEST(every_kind_has_a_name_of_its_own)
{
    for (int i = 0; i < LTD_OPERATOR_COUNT; i++)
        for (int j = 0; j < i; j++)
            CHECK(strcmp(ltd_operator_name((enum ltd_operator)i), ltd_operator_name((enum ltd_operator)j)) !=
                  0);
}
