#include "sampling/sigmas.h"

#include <math.h>
#include <stdlib.h>

enum ltd_status sigma_table_init(struct sigma_table *table, const struct noise_schedule *noise,
                                 struct ltd_error *err)
{
    const size_t count = (size_t)noise->count;
    float *values = malloc(2 * count * sizeof *values);

    if (!values)
        return ltd_fail(err, LTD_ENOMEM, "no memory for %d sigmas", noise->count);
    for (size_t t = 0; t < count; t++) {
        values[t] = noise_schedule_sigma(noise, (int)t);
        values[count + t] = logf(values[t]);
    }
    *table = (struct sigma_table){.count = noise->count, .sigma = values, .log_sigma = values + count};
    return LTD_OK;
}

void sigma_table_fini(struct sigma_table *table)
{
    free(table->sigma);
    *table = (struct sigma_table){0};
}

double sigma_at_timestep(const struct sigma_table *table, double timestep)
{
    const int last = table->count - 1;
    int t;

    if (timestep >= last)
        return (double)table->sigma[last];
    if (timestep <= 0)
        return (double)table->sigma[0];
    t = (int)timestep;
    return ((double)table->sigma[t + 1] - (double)table->sigma[t]) * (timestep - t) + (double)table->sigma[t];
}

double sigma_between_timesteps(const struct sigma_table *table, double timestep)
{
    const int last = table->count - 1;
    const int t = timestep >= last ? last - 1 : timestep <= 0 ? 0 : (int)timestep;
    const double share = fmin(fmax(timestep - t, 0), 1);

    if (share == 0 || share == 1)
        return (double)table->sigma[share == 0 ? t : t + 1];
    return exp((1 - share) * (double)table->log_sigma[t] + share * (double)table->log_sigma[t + 1]);
}

double sigma_to_timestep(const struct sigma_table *table, double sigma)
{
    const double wanted = log(fmax(sigma, 1e-10));
    int t = 0;
    double low, share;

    for (int i = 1; i <= table->count - 2; i++)
        if (wanted >= (double)table->log_sigma[i])
            t = i;
    low = (double)table->log_sigma[t];
    /* numpy takes this difference in f32. */
    share = (low - wanted) / (double)(table->log_sigma[t] - table->log_sigma[t + 1]);
    share = fmin(fmax(share, 0), 1);
    return (1 - share) * t + share * (t + 1);
}
