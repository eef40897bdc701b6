/* params_text.c - the settings of a picture as text, for the PNG keyword "parameters". */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <latentd/session.h>

#include "base/number_text.h"

static void put_number(FILE *out, const char *key, double value)
{
    char number[NUMBER_TEXT_SIZE];

    number_text(number, value);
    fprintf(out, ", %s: %s", key, number);
}

/* What is off, or has no part in this picture, is left out. */
static void put_what_is_asked_for(FILE *out, const struct ltd_gen_params *p)
{
    if (p->init_image)
        put_number(out, "Denoising strength", p->strength);
    if (p->clip_skip > 0)
        put_number(out, "Clip skip", p->clip_skip + 1);
    if (p->cfg_rescale > 0)
        put_number(out, "CFG rescale", p->cfg_rescale);
    if (p->guidance_start > 0)
        put_number(out, "Guidance start", p->guidance_start);
    if (p->guidance_end < 1)
        put_number(out, "Guidance end", p->guidance_end);
    if (p->lora_count > 0)
        fprintf(out, ", Loras: %d", p->lora_count);
    if (p->deepcache_interval > 1)
        fprintf(out, ", DeepCache interval: %d", p->deepcache_interval);
}

/* In AUTOMATIC1111's form: with one weight, or the text encoder's and the U-Net's. */
static void put_lora(FILE *out, const struct ltd_lora *lora)
{
    char number[NUMBER_TEXT_SIZE];

    number_text(number, lora->text_weight);
    fprintf(out, "<lora:%s:%s", lora->name, number);
    if (lora->weight != lora->text_weight) {
        number_text(number, lora->weight);
        fprintf(out, ":%s", number);
    }
    fputc('>', out);
}

static void put_settings(FILE *out, const struct ltd_model *model, const struct ltd_gen_params *p, int index)
{
    char build[LTD_BUILD_TEXT_SIZE];

    ltd_build_text(build);
    fputs(p->prompt, out);
    for (int i = 0; i < p->lora_count; i++)
        put_lora(out, &p->loras[i]);
    fputc('\n', out);
    if (*p->negative_prompt)
        fprintf(out, "Negative prompt: %s\n", p->negative_prompt);
    fprintf(out, "Steps: %d, Sampler: %s, Schedule type: %s", p->steps, ltd_sampler_label(p->sampler),
            ltd_scheduler_name(p->scheduler));
    put_number(out, "CFG scale", p->cfg_scale);
    fprintf(out, ", Seed: %" PRIu64 ", Size: %dx%d, Model type: %s", p->seed + (uint64_t)index, p->width,
            p->height, ltd_model_info(model)->family);
    put_what_is_asked_for(out, p);
    fprintf(out, ", Profile: %s, Numerics: %s, ISA: %s, Build: %s, Version: latentd %s",
            ltd_profile_name(p->profile), ltd_numerics_name(p->numerics), ltd_isa_name(), build,
            LATENTD_VERSION);
}

char *ltd_params_text(const struct ltd_model *model, const struct ltd_gen_params *p, int index)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    bool whole;

    if (!out)
        return NULL;
    put_settings(out, model, p, index);
    whole = !ferror(out);
    whole = fclose(out) == 0 && whole;
    if (whole)
        return text;
    free(text);
    return NULL;
}
