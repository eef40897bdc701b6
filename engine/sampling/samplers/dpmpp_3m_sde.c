/* dpmpp_3m_sde.c - DPM-Solver++(3M) SDE. */
#include "sampling/samplers/multistep.h"

const struct sampler_code dpmpp_3m_sde_code = {multistep_plan, multistep_advance};
