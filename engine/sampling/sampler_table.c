#include "sampling/sampler_table.h"

#define NONE LTD_ETA_STANDARD

const struct sampler sampler_table[LTD_SAMPLER_COUNT] = {
#define SAMPLER(id, name, label, reference, keys, takes, noise, eta) \
    {#name, label, reference, KEYS_##keys, TAKES_##takes, NOISE_##noise, eta, &name##_code},
#include <latentd/samplers.def>
#undef SAMPLER
};
