/* params_text.c - the settings of a picture as text, for the PNG keyword "parameters". */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <latentd/session.h>

#include "base/number_text.h"

static void put_number(FILE *out, const char *key, double value)
{
    char number[NUMBER_TEXT_SIZE];

    number_text(number, value);
    fprintf(out, ", %s: %s", key, number);
}

static void put_variation(FILE *out, const struct ltd_gen_params *p, int index)
{
    if (p->subseed_strength > 0) {
        fprintf(out, ", Variation seed: %" PRIu64, ltd_params_subseed(p, index));
        put_number(out, "Variation seed strength", p->subseed_strength);
    }
    if (p->seed_resize_from_w > 0 && p->seed_resize_from_h > 0)
        fprintf(out, ", Seed resize from: %dx%d", p->seed_resize_from_w, p->seed_resize_from_h);
}

/* In AUTOMATIC1111's words. */
static void put_mask(FILE *out, const struct ltd_gen_params *p)
{
    static const char *const contents[LTD_MASKED_CONTENT_COUNT] = {"fill", "original", "latent noise",
                                                                   "latent nothing"};

    fprintf(out, ", Masked content: %s", contents[p->masked_content]);
    if (p->mask_blur > 0)
        fprintf(out, ", Mask blur: %d", p->mask_blur);
    if (p->mask_invert)
        fputs(", Mask mode: Inpaint not masked", out);
    if (p->inpaint_full_res)
        fprintf(out, ", Inpaint area: Only masked, Masked area padding: %d", p->inpaint_full_res_padding);
}

static void put_second_pass(FILE *out, const struct ltd_gen_params *p)
{
    static const char *const upscalers[LTD_HR_UPSCALER_COUNT] = {"Latent", "Latent (nearest)", "Lanczos", ""};

    put_number(out, "Hires upscale", p->hr_scale);
    if (p->hr_steps > 0)
        fprintf(out, ", Hires steps: %d", p->hr_steps);
    fprintf(out, ", Hires upscaler: %s", p->hr_network ? p->hr_network : upscalers[p->hr_upscaler]);
}

/* In the words of AUTOMATIC1111's extension sd-webui-controlnet. */
static void put_control(FILE *out, const struct ltd_control *control, int index)
{
    static const char *const fits[LTD_CONTROL_FIT_COUNT] = {"Just Resize", "Crop and Resize",
                                                            "Resize and Fill"};

    fprintf(out, ", ControlNet %d: \"Module: %s, Model: %s", index,
            ltd_preprocessor_name(control->preprocessor), control->model);
    put_number(out, "Weight", control->weight);
    if (control->fit != LTD_CONTROL_STRETCH)
        fprintf(out, ", Resize Mode: %s", fits[control->fit]);
    put_number(out, "Guidance Start", control->start);
    put_number(out, "Guidance End", control->end);
    if (control->preprocessor == LTD_PREPROCESSOR_CANNY)
        fprintf(out, ", Threshold A: %d, Threshold B: %d", control->low_threshold, control->high_threshold);
    fputc('"', out);
}

static void put_noise(FILE *out, const struct ltd_gen_params *p)
{
    if (p->eta != LTD_ETA_STANDARD && p->eta != ltd_sampler_eta(p->sampler))
        put_number(out, p->sampler == LTD_SAMPLER_DDIM ? "Eta DDIM" : "Eta", p->eta);
    if (p->s_churn > 0)
        put_number(out, "Sigma churn", p->s_churn);
    if (p->s_tmin > 0)
        put_number(out, "Sigma tmin", p->s_tmin);
    if (p->s_tmax > 0)
        put_number(out, "Sigma tmax", p->s_tmax);
    if (p->s_noise != 1)
        put_number(out, "Sigma noise", p->s_noise);
}

/* What is off, or has no part in this picture, is left out. */
static void put_what_is_asked_for(FILE *out, const struct ltd_gen_params *p)
{
    if (p->init_image || p->hr_scale > 0)
        put_number(out, "Denoising strength", p->strength);
    if (p->hr_scale > 0)
        put_second_pass(out, p);
    if (p->mask)
        put_mask(out, p);
    if (p->clip_skip > 0)
        put_number(out, "Clip skip", p->clip_skip + 1);
    if (p->image_guidance_scale > 0)
        put_number(out, "Image CFG scale", p->image_guidance_scale);
    put_noise(out, p);
    if (p->cfg_rescale > 0)
        put_number(out, "CFG rescale", p->cfg_rescale);
    if (p->guidance_start > 0)
        put_number(out, "Guidance start", p->guidance_start);
    if (p->guidance_end < 1)
        put_number(out, "Guidance end", p->guidance_end);
    if (p->tiling)
        fputs(", Tiling: True", out);
    if (p->lora_count > 0)
        fprintf(out, ", Loras: %d", p->lora_count);
    for (int i = 0; i < p->control_count; i++)
        put_control(out, &p->controls[i], i);
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

static void put_form(FILE *out, const struct ltd_picture_form *form)
{
    if (form->format == LTD_PICTURE_PNG)
        return;
    fprintf(out, ", Format: %s", ltd_picture_format_name(form->format));
    if (form->format == LTD_PICTURE_WEBP && form->lossless)
        fputs(", Lossless: True", out);
    else
        fprintf(out, ", Quality: %d", form->quality);
}

/* What would end the value stands in quotes, as AUTOMATIC1111 has it. */
static void put_text(FILE *out, const char *key, const char *text)
{
    const bool quoted = strpbrk(text, ",:\n") != NULL;

    fprintf(out, ", %s: %s", key, quoted ? "\"" : "");
    for (; *text; text++) {
        if (quoted && strchr("\"\\", *text))
            fputc('\\', out);
        fputc(*text, out);
    }
    if (quoted)
        fputc('"', out);
}

static void put_settings(FILE *out, const struct ltd_model *model, const struct ltd_gen_params *p, int index,
                         const struct ltd_picture_form *form, struct ltd_model_label label)
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
    fprintf(out, ", Seed: %" PRIu64 ", Size: %dx%d", ltd_params_seed(p, index), p->width, p->height);
    if (label.sha256)
        fprintf(out, ", Model hash: %.10s", label.sha256);
    if (label.name)
        put_text(out, "Model", label.name);
    fprintf(out, ", Model type: %s", ltd_model_info(model)->family);
    if (*ltd_model_info(model)->vae)
        put_text(out, "VAE", ltd_model_info(model)->vae);
    put_variation(out, p, index);
    put_what_is_asked_for(out, p);
    put_form(out, form);
    fprintf(out, ", Profile: %s, Numerics: %s", ltd_profile_name(p->profile), ltd_numerics_name(p->numerics));
    if (p->precision != LTD_PRECISION_F32)
        fprintf(out, ", Precision: %s", ltd_precision_name(p->precision));
    fprintf(out, ", ISA: %s, Build: %s, Version: latentd %s", ltd_isa_name(), build, LATENTD_VERSION);
}

char *ltd_params_text(const struct ltd_model *model, const struct ltd_gen_params *p, int index,
                      const struct ltd_picture_form *form, struct ltd_model_label label)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    bool whole;

    if (!out)
        return NULL;
    put_settings(out, model, p, index, form, label);
    whole = !ferror(out);
    whole = fclose(out) == 0 && whole;
    if (whole)
        return text;
    free(text);
    return NULL;
}
