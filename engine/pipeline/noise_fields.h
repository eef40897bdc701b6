/*
 * noise_fields.h - the fields of a request that say what noise its sampler adds on the way.
 */
#ifndef NOISE_FIELDS_H
#define NOISE_FIELDS_H

#include <stdbool.h>

#include <latentd/params.h>

enum noise_field {
    NOISE_FIELD_ETA,
    NOISE_FIELD_CHURN,
    NOISE_FIELD_TMIN,
    NOISE_FIELD_TMAX,
    NOISE_FIELD_SCALE,
    NOISE_FIELD_COUNT
};
enum { NOISE_FIELD_TEXT_SIZE = 160 };

const char *noise_field_name(enum noise_field field);
/* Whether its value is one that params' sampler, which must be one, can draw with; else text says what to
 * change. */
bool noise_field_check(enum noise_field field, const struct ltd_gen_params *params,
                       char text[NOISE_FIELD_TEXT_SIZE]);

#endif
