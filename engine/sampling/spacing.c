#include "sampling/spacing.h"

double numpy_linspace(double start, double stop, int count, int i)
{
    if (count > 1 && i == count - 1)
        return stop;
    return count > 1 ? i * ((stop - start) / (count - 1)) + start : start;
}

/* numpy.arange(last, 0, -train / steps).round() - 1.  numpy takes the difference of the first two values for
 * the rest, and rounds the length up, so that for some steps (61 of 1000) a value at 0 slips in. */
static enum ltd_status space_trailing(int train, int last, int steps, double *timesteps, int *count,
                                      struct ltd_error *err)
{
    const double ratio = (double)train / steps;
    const double change = last - ratio - last;
    const double length = ceil(last / ratio);

    if (length > steps)
        return ltd_fail(
            err, LTD_EINVAL,
            "trailing spacing cannot divide %d training timesteps by %d steps; take one more or one less",
            train, steps);
    *count = (int)length;
    for (int i = 0; i < *count; i++)
        timesteps[i] = rint(last + i * change) - 1;
    return LTD_OK;
}

enum ltd_status space_timesteps(const struct schedule_settings *settings, int steps, bool rounded,
                                double *timesteps, struct ltd_error *err)
{
    const int train = setting_int(settings, KEY_num_train_timesteps);
    const int offset = setting_int(settings, KEY_steps_offset);
    int count;

    switch (setting_int(settings, KEY_timestep_spacing)) {
    case SPACING_TRAILING:
        return space_trailing(train, train, steps, timesteps, &count, err);
    case SPACING_LINSPACE:
        for (int i = 0; i < steps; i++) {
            const double t = numpy_linspace(0, train - 1, steps, steps - 1 - i);

            timesteps[i] = rounded ? rint(t) : (double)(float)t;
        }
        return LTD_OK;
    default:
        for (int i = 0; i < steps; i++)
            timesteps[i] = (steps - 1 - i) * (train / steps) + offset;
        return LTD_OK;
    }
}

enum ltd_status space_open_timesteps(const struct schedule_settings *settings, int last, int steps,
                                     double *timesteps, int *count, struct ltd_error *err)
{
    const int train = setting_int(settings, KEY_num_train_timesteps);
    const int offset = setting_int(settings, KEY_steps_offset);

    *count = steps;
    switch (setting_int(settings, KEY_timestep_spacing)) {
    case SPACING_TRAILING:
        return space_trailing(train, last, steps, timesteps, count, err);
    case SPACING_LINSPACE:
        for (int i = 0; i < steps; i++)
            timesteps[i] = rint(numpy_linspace(0, last - 1, steps + 1, steps - i));
        return LTD_OK;
    default:
        for (int i = 0; i < steps; i++)
            timesteps[i] = (steps - i) * (last / (steps + 1)) + offset;
        return LTD_OK;
    }
}
