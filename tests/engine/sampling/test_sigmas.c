#include "sampling/sigmas.h"

#include <math.h>

#include "check.h"

/* abar 0.5, 0.2, 0.1: sigma 1, 2, 3. */
static enum ltd_status small_table(struct sigma_table *table)
{
    static float levels[] = {0.5F, 0.2F, 0.1F};
    const struct noise_schedule noise = {.count = 3, .alphas_cumprod = levels};
    struct ltd_error err;

    return sigma_table_init(table, &noise, &err);
}

TEST(sigma_is_linear_between_timesteps_and_constant_beyond)
{
    struct sigma_table table = {0};

    REQUIRE(small_table(&table) == LTD_OK);
    CHECK_NEAR(sigma_at_timestep(&table, 0), 1, 1e-6);
    CHECK_NEAR(sigma_at_timestep(&table, 0.25), 1.25, 1e-6);
    CHECK_NEAR(sigma_at_timestep(&table, 1), 2, 1e-6);
    CHECK_NEAR(sigma_at_timestep(&table, 1.5), 2.5, 1e-6);
    CHECK_NEAR(sigma_at_timestep(&table, 7), 3, 1e-6);
    CHECK_NEAR(sigma_at_timestep(&table, -1), 1, 1e-6);
    sigma_table_fini(&table);
}

TEST(a_sigma_beyond_the_schedule_has_the_timestep_of_its_end)
{
    struct sigma_table table = {0};

    REQUIRE(small_table(&table) == LTD_OK);
    CHECK_NEAR(sigma_to_timestep(&table, sqrt(2)), 0.5, 1e-6);
    CHECK_NEAR(sigma_to_timestep(&table, sqrt(6)), 1.5, 1e-6);
    CHECK_NEAR(sigma_to_timestep(&table, 100), 2, 0);
    CHECK_NEAR(sigma_to_timestep(&table, 0.01), 0, 0);
    CHECK_NEAR(sigma_to_timestep(&table, 0), 0, 0);
    sigma_table_fini(&table);
}
