#include "pipeline/noise_fields.h"

#include <stdio.h>

struct noise_field_row {
    const char *name;
    double most;
};

static const struct noise_field_row rows[NOISE_FIELD_COUNT] = {
    [NOISE_FIELD_ETA] = {"eta", 1},
    [NOISE_FIELD_CHURN] = {"s_churn", LTD_MAX_CHURN},
    [NOISE_FIELD_TMIN] = {"s_tmin", LTD_MAX_CHURN_SIGMA},
    [NOISE_FIELD_TMAX] = {"s_tmax", LTD_MAX_CHURN_SIGMA},
    [NOISE_FIELD_SCALE] = {"s_noise", LTD_MAX_NOISE},
};

const char *noise_field_name(enum noise_field field)
{
    return rows[field].name;
}

static double value_of(enum noise_field field, const struct ltd_gen_params *p)
{
    const double values[NOISE_FIELD_COUNT] = {p->eta, p->s_churn, p->s_tmin, p->s_tmax, p->s_noise};

    return values[field];
}

static bool is_left_out(enum noise_field field, double value)
{
    const double standard[NOISE_FIELD_COUNT] = {LTD_ETA_STANDARD, 0, 0, 0, 1};

    return value == standard[field];
}

/* Whether any value but the one that stands for none would change the picture. */
static bool has_part(enum noise_field field, enum ltd_sampler sampler)
{
    switch (field) {
    case NOISE_FIELD_ETA:
        return ltd_sampler_eta(sampler) != LTD_ETA_STANDARD;
    case NOISE_FIELD_SCALE:
        return ltd_sampler_churns(sampler) || ltd_sampler_scales_noise(sampler);
    default:
        return ltd_sampler_churns(sampler);
    }
}

bool noise_field_check(enum noise_field field, const struct ltd_gen_params *params,
                       char text[NOISE_FIELD_TEXT_SIZE])
{
    const double value = value_of(field, params), most = rows[field].most;
    const bool for_churn = field != NOISE_FIELD_ETA && field != NOISE_FIELD_CHURN;
    const char *name = ltd_sampler_name(params->sampler);

    if (is_left_out(field, value))
        return true;
    if (!has_part(field, params->sampler))
        snprintf(text, NOISE_FIELD_TEXT_SIZE, "has no part in the sampler %s; leave it out", name);
    else if (!(value >= 0 && value <= most))
        snprintf(text, NOISE_FIELD_TEXT_SIZE, "must be 0 to %g", most);
    else if (for_churn && ltd_sampler_churns(params->sampler) && params->s_churn == 0)
        snprintf(text, NOISE_FIELD_TEXT_SIZE, "has no part without s_churn; leave it out");
    else if (field == NOISE_FIELD_TMAX && value < params->s_tmin)
        snprintf(text, NOISE_FIELD_TEXT_SIZE, "must be at least s_tmin, or 0 for no bound");
    else
        return true;
    return false;
}
