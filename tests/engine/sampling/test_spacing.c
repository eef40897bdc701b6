/* test_spacing.c - against numpy 2.4, where exact arithmetic would give other timesteps. */
#include "sampling/spacing.h"

#include "check.h"

enum { MAX_STEPS = 64 };

static struct schedule_settings settings_of(int train, int spacing, int offset)
{
    struct schedule_settings settings = {0};

    settings.value[KEY_num_train_timesteps] = train;
    settings.value[KEY_timestep_spacing] = spacing;
    settings.value[KEY_steps_offset] = offset;
    return settings;
}

static void check_spacing(int spacing, int offset, int steps, bool rounded, const double *want)
{
    const struct schedule_settings settings = settings_of(1000, spacing, offset);
    double got[MAX_STEPS];
    struct ltd_error err;

    CHECK_INT(space_timesteps(&settings, steps, rounded, got, &err), LTD_OK);
    for (int i = 0; i < steps; i++)
        if (got[i] != want[i])
            check_failed(__FILE__, __LINE__, "%d steps: timestep %d is %g, not %g", steps, i, got[i],
                         want[i]);
}

TEST(trailing_rounds_halves_to_even_as_numpy_does)
{
    static const double sixteen[] = {999, 937, 874, 811, 749, 687, 624, 561,
                                     499, 437, 374, 311, 249, 187, 124, 61};

    check_spacing(SPACING_TRAILING, 1, 16, true, sixteen);
}

TEST(trailing_steps_by_numpy_s_rounded_difference)
{
    /* 1000 - 3 * 1000 / 48 is 937.5 exactly; numpy's sum of rounded values lies below it. */
    static const double forty_eight[] = {999, 978, 957, 936, 916, 895, 874, 853, 832, 811, 791, 770,
                                         749, 728, 707, 686, 666, 645, 624, 603, 582, 561, 541, 520,
                                         499, 478, 457, 436, 416, 395, 374, 353, 332, 311, 291, 270,
                                         249, 228, 207, 186, 166, 145, 124, 103, 82,  61,  41,  20};

    check_spacing(SPACING_TRAILING, 0, 48, true, forty_eight);
}

TEST(linspace_rounds_only_when_asked)
{
    static const double rounded[] = {999, 832, 666, 500, 333, 166, 0};
    static const double fractional[] = {999, 832.5, 666, 499.5, 333, 166.5, 0};

    check_spacing(SPACING_LINSPACE, 1, 7, true, rounded);
    check_spacing(SPACING_LINSPACE, 1, 7, false, fractional);
}

TEST(leading_counts_from_the_clean_end_and_adds_the_offset)
{
    static const double six[] = {831, 665, 499, 333, 167, 1};

    check_spacing(SPACING_LEADING, 1, 6, true, six);
}

TEST(open_spacing_leaves_the_clean_end_out)
{
    static const struct {
        int spacing;
        double want[4];
    } cases[] = {
        {SPACING_LEADING, {801, 601, 401, 201}},
        {SPACING_LINSPACE, {999, 749, 500, 250}},
        {SPACING_TRAILING, {999, 749, 499, 249}},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct schedule_settings settings = settings_of(1000, cases[i].spacing, 1);
        double got[4];
        struct ltd_error err;
        int count = 0;

        CHECK_INT(space_open_timesteps(&settings, 1000, 4, got, &count, &err), LTD_OK);
        CHECK_INT(count, 4);
        for (int k = 0; k < 4; k++)
            CHECK_NEAR(got[k], cases[i].want[k], 0);
    }
}
