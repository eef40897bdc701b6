/* params_text.c - the settings of a picture as text, for the PNG keyword "parameters". */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <latentd/session.h>

#include "base/number_text.h"
#include "kernels/gemm.h"

char *ltd_params_text(const struct ltd_model *model, const struct ltd_gen_params *p, int index)
{
    const bool negative = p->negative_prompt[0] != '\0';
    char cfg_scale[NUMBER_TEXT_SIZE], number[NUMBER_TEXT_SIZE], strength[64] = "", clip_skip[32] = "";
    char *text = NULL;
    int n;

    number_text(cfg_scale, p->cfg_scale);
    number_text(number, p->strength);
    if (p->init_image)
        snprintf(strength, sizeof strength, ", Denoising strength: %s", number);
    if (p->clip_skip > 0)
        snprintf(clip_skip, sizeof clip_skip, ", Clip skip: %d", p->clip_skip + 1);
    n = asprintf(
        &text,
        "%s\n%s%s%sSteps: %d, Sampler: %s, Schedule type: %s, CFG scale: %s, Seed: %" PRIu64
        ", Size: %dx%d, Model type: %s%s%s, Profile: %s, Numerics: %s, ISA: %s, BLAS: %s, Version: latentd %s",
        p->prompt, negative ? "Negative prompt: " : "", negative ? p->negative_prompt : "",
        negative ? "\n" : "", p->steps, ltd_sampler_label(p->sampler), ltd_scheduler_name(p->scheduler),
        cfg_scale, p->seed + (uint64_t)index, p->width, p->height, ltd_model_info(model)->family, strength,
        clip_skip, ltd_profile_name(p->profile), ltd_numerics_name(p->numerics), ltd_isa_name(),
        gemm_core_name(), LATENTD_VERSION);
    return n < 0 ? NULL : text;
}
