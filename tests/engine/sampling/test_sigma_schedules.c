#include "sampling/sigma_schedules.h"

#include <math.h>

#include "check.h"

TEST(karras_and_exponential_agree_with_their_definitions)
{
    const struct sigma_range range = {.max = 10, .min = 0.1};
    double karras[7], exponential[7];

    CHECK_INT(sigma_schedule_fill(LTD_SCHEDULER_KARRAS, karras, 5, &range), 5);
    CHECK_INT(sigma_schedule_fill(LTD_SCHEDULER_EXPONENTIAL, exponential, 5, &range), 5);
    for (int i = 0; i < 5; i++) {
        const double root = pow(10, 1.0 / 7) + i / 4.0 * (pow(0.1, 1.0 / 7) - pow(10, 1.0 / 7));

        CHECK_NEAR(karras[i], pow(root, 7), 1e-12 * karras[i]);
        CHECK_NEAR(exponential[i], pow(10, 1 - i / 2.0), 1e-12 * exponential[i]);
    }
    CHECK_INT(sigma_schedule_fill(LTD_SCHEDULER_KARRAS, karras, 1, &range), 1);
    CHECK_NEAR(karras[0], 10, 1e-12);
}
