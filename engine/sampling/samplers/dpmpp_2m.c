/* dpmpp_2m.c - DPM-Solver++(2M). */
#include "sampling/samplers/multistep.h"

const struct sampler_code dpmpp_2m_code = {multistep_plan, multistep_advance};
