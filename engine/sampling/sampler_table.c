#include "sampling/sampler_table.h"

const struct sampler sampler_table[LTD_SAMPLER_COUNT] = {
#define SAMPLER(id, name, label, reference, keys, takes) \
    {#name, label, reference, KEYS_##keys, TAKES_##takes, &name##_code},
#include <latentd/samplers.def>
#undef SAMPLER
};
