/* test_gemm_speed.c - the machine's rate in matrix products. */
#include <latentd/cost.h>
#include <latentd/limits.h>

#include "check.h"

TEST(a_rate_is_told_that_some_machine_could_have)
{
    struct ltd_error err;
    double rate = 0;

    for (int threads = 0; threads < 3; threads++) {
        REQUIRE(ltd_sgemm_speed(threads, 0.01, &rate, &err) == LTD_OK);
        CHECK(rate > 1e7 && rate < 1e14);
    }
}

TEST(no_more_threads_than_a_session_may_have)
{
    struct ltd_error err;
    double rate = -1;

    CHECK(ltd_sgemm_speed(LTD_MAX_THREADS + 1, 0.01, &rate, &err) == LTD_EINVAL);
    CHECK(ltd_sgemm_speed(-1, 0.01, &rate, &err) == LTD_EINVAL);
    CHECK_NEAR(rate, -1, 0);
}
