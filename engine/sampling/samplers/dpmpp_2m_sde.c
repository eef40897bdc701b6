/* dpmpp_2m_sde.c - DPM-Solver++(2M) SDE. */
#include "sampling/samplers/multistep.h"

const struct sampler_code dpmpp_2m_sde_code = {multistep_plan, multistep_advance};
