#include "util/clock.h"

#include "check.h"

TEST(times_are_written_as_rfc_3339)
{
    char text[CLOCK_TEXT_SIZE];

    clock_format(text, 0);
    CHECK_STR(text, "1970-01-01T00:00:00.000Z");
    clock_format(text, 1709251199007);
    CHECK_STR(text, "2024-02-29T23:59:59.007Z");
    clock_format(text, 253402300799999);
    CHECK_STR(text, "9999-12-31T23:59:59.999Z");
}

TEST(the_monotonic_clock_does_not_run_backwards)
{
    double before = clock_monotonic();

    for (int i = 0; i < 1000; i++) {
        const double now = clock_monotonic();

        CHECK(now >= before);
        before = now;
    }
}

TEST(the_unix_clock_is_after_this_test_was_written)
{
    CHECK(clock_unix_ms() > 1767225600000);
}
