#include "api/inspect_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <latentd/image.h>
#include <latentd/params.h>

#include "api/a1111_models.h"
#include "api/a1111_sampling.h"
#include "api/lora_tags.h"
#include "util/parse_number.h"

static void add_text(struct ltd_json *object, const char *key, const char *text)
{
    ltd_json_add(object, key, ltd_json_new_string(text));
}

static void warn(struct inspector *in, const char *key, const char *detail)
{
    struct ltd_json *warning = ltd_json_new_object();
    char pointer[128];

    snprintf(pointer, sizeof pointer, "/settings/%s", key);
    add_text(warning, "pointer", pointer);
    add_text(warning, "detail", detail);
    ltd_json_append(in->warnings, warning);
}

static bool take_integer(struct inspector *in, const char *field, const char *text, int64_t less)
{
    uint64_t number;

    if (!parse_uint64(text, &number) || number < (uint64_t)less)
        return false;
    ltd_json_add(in->request, field, ltd_json_new_uint64(number - (uint64_t)less));
    return true;
}

static bool take_steps(struct inspector *in, const char *text)
{
    return take_integer(in, "steps", text, 0);
}

static bool take_seed(struct inspector *in, const char *text)
{
    return take_integer(in, "seed", text, 0);
}

static bool take_subseed(struct inspector *in, const char *text)
{
    return take_integer(in, "subseed", text, 0);
}

/* There, 1 leaves nothing out. */
static bool take_clip_skip(struct inspector *in, const char *text)
{
    return take_integer(in, "clip_skip", text, 1);
}

static bool take_deepcache(struct inspector *in, const char *text)
{
    return take_integer(in, "deepcache_interval", text, 0);
}

static bool take_real(struct inspector *in, const char *field, const char *text)
{
    double number;

    if (!parse_real(text, &number))
        return false;
    ltd_json_add(in->request, field, ltd_json_new_number(number));
    return true;
}

static bool take_cfg_scale(struct inspector *in, const char *text)
{
    return take_real(in, "cfg_scale", text);
}

static bool take_eta(struct inspector *in, const char *text)
{
    return take_real(in, "eta", text);
}

static bool take_churn(struct inspector *in, const char *text)
{
    return take_real(in, "s_churn", text);
}

static bool take_tmin(struct inspector *in, const char *text)
{
    return take_real(in, "s_tmin", text);
}

static bool take_tmax(struct inspector *in, const char *text)
{
    return take_real(in, "s_tmax", text);
}

static bool take_noise(struct inspector *in, const char *text)
{
    return take_real(in, "s_noise", text);
}

static bool take_cfg_rescale(struct inspector *in, const char *text)
{
    return take_real(in, "cfg_rescale", text);
}

static bool take_guidance_start(struct inspector *in, const char *text)
{
    return take_real(in, "guidance_start", text);
}

static bool take_guidance_end(struct inspector *in, const char *text)
{
    return take_real(in, "guidance_end", text);
}

static bool take_subseed_strength(struct inspector *in, const char *text)
{
    return take_real(in, "subseed_strength", text);
}

static bool take_sides(struct inspector *in, const char *text, const char *width_field,
                       const char *height_field)
{
    char width[16], height[16];
    uint64_t w, h;

    if (sscanf(text, "%15[0-9]x%15[0-9]", width, height) != 2 || !parse_uint64(width, &w) ||
        !parse_uint64(height, &h))
        return false;
    ltd_json_add(in->request, width_field, ltd_json_new_uint64(w));
    ltd_json_add(in->request, height_field, ltd_json_new_uint64(h));
    return true;
}

static bool take_size(struct inspector *in, const char *text)
{
    return take_sides(in, text, "width", "height");
}

static bool take_strength(struct inspector *in, const char *text)
{
    return take_real(in, "strength", text);
}

static bool take_hr_scale(struct inspector *in, const char *text)
{
    return take_real(in, "hr_scale", text);
}

static bool take_hr_steps(struct inspector *in, const char *text)
{
    return take_integer(in, "hr_steps", text, 0);
}

static bool take_hr_upscaler(struct inspector *in, const char *text)
{
    const int found = a1111_upscaler_find(text);
    const struct ltd_upscaler_info network = a1111_upscaler_info(in->models->upscalers, text);

    if (found >= 0)
        add_text(in->request, "hr_upscaler", ltd_hr_upscaler_name((enum ltd_hr_upscaler)found));
    else if (network.factor > 0)
        add_text(in->request, "upscaler", network.name);
    return found >= 0 || network.factor > 0;
}

static bool take_tiling(struct inspector *in, const char *text)
{
    if (strcmp(text, "True") != 0)
        return false;
    ltd_json_add(in->request, "tiling", ltd_json_new_bool(true));
    return true;
}

static bool take_resize(struct inspector *in, const char *text)
{
    return take_sides(in, text, "seed_resize_from_w", "seed_resize_from_h");
}

static int find_sampler_label(const char *label)
{
    for (int i = 0; i < LTD_SAMPLER_COUNT; i++)
        if (strcmp(ltd_sampler_label((enum ltd_sampler)i), label) == 0)
            return i;
    return -1;
}

/* By our own labels and names, else by those of AUTOMATIC1111, where a sampler may name a scheduler too. */
static bool take_sampler(struct inspector *in, const char *text)
{
    const char *scheduler = infotext_find(in->info, "Schedule type");
    const int own = find_sampler_label(text);
    struct a1111_sampling found;

    if (own >= 0) {
        add_text(in->request, "sampler", ltd_sampler_name((enum ltd_sampler)own));
        return true;
    }
    if (a1111_sampling_find(text, scheduler && ltd_scheduler_find(scheduler) < 0 ? scheduler : NULL,
                            LTD_SAMPLER_EULER, &found) != A1111_FOUND)
        return false;
    add_text(in->request, "sampler", ltd_sampler_name(found.sampler));
    if (found.names_scheduler)
        add_text(in->request, "scheduler", ltd_scheduler_name(found.scheduler));
    return true;
}

static bool take_scheduler(struct inspector *in, const char *text)
{
    struct a1111_sampling found;

    if (ltd_json_get(in->request, "scheduler"))
        return true;
    if (ltd_scheduler_find(text) >= 0) {
        add_text(in->request, "scheduler", text);
        return true;
    }
    if (a1111_sampling_find(NULL, text, LTD_SAMPLER_EULER, &found) != A1111_FOUND)
        return false;
    if (found.names_scheduler)
        add_text(in->request, "scheduler", ltd_scheduler_name(found.scheduler));
    return true;
}

static bool take_model(struct inspector *in, const char *text)
{
    if (model_set_find(in->models, text) < 0)
        return false;
    add_text(in->request, "model", text);
    return true;
}

/* All models have their own, "", or all have the one of --vae. */
static const char *vae_here(const struct inspector *in)
{
    const struct ltd_model *first = model_set_shapes(in->models, 0);

    return first ? ltd_model_info(first)->vae : "";
}

static bool take_vae(struct inspector *in, const char *text)
{
    return strcmp(text, vae_here(in)) == 0;
}

static bool take_profile(struct inspector *in, const char *text)
{
    if (ltd_profile_find(text) < 0)
        return false;
    add_text(in->request, "profile", text);
    return true;
}

static bool take_numerics(struct inspector *in, const char *text)
{
    if (ltd_numerics_find(text) < 0)
        return false;
    add_text(in->request, "numerics", text);
    return true;
}

static bool take_precision(struct inspector *in, const char *text)
{
    if (ltd_precision_find(text) < 0)
        return false;
    add_text(in->request, "precision", text);
    return true;
}

/* With what says more of it. */
static bool take_format(struct inspector *in, const char *text)
{
    const char *quality = infotext_find(in->info, "Quality");
    struct ltd_json *output;
    uint64_t number = 0;

    if (ltd_picture_format_find(text) < 0 ||
        (quality && (!parse_uint64(quality, &number) || number > LTD_PICTURE_MAX_QUALITY)))
        return false;
    output = ltd_json_new_object();
    add_text(output, "format", text);
    if (quality)
        ltd_json_add(output, "quality", ltd_json_new_uint64(number));
    if (infotext_find(in->info, "Lossless"))
        ltd_json_add(output, "lossless", ltd_json_new_bool(true));
    ltd_json_add(in->request, "output", output);
    return true;
}

static bool take_with_format(struct inspector *in, const char *text)
{
    (void)text;
    return infotext_find(in->info, "Format") != NULL;
}

/* What has no part in how a picture looks, or follows from the rest. */
static bool take_nothing(struct inspector *in, const char *text)
{
    (void)in, (void)text;
    return true;
}

static const struct {
    const char *key;
    bool (*take)(struct inspector *in, const char *text);
} settings[] = {
    {"Steps", take_steps},
    {"Sampler", take_sampler},
    {"Schedule type", take_scheduler},
    {"CFG scale", take_cfg_scale},
    {"CFG rescale", take_cfg_rescale},
    {"Eta", take_eta},
    {"Eta DDIM", take_eta},
    {"Sigma churn", take_churn},
    {"Sigma tmin", take_tmin},
    {"Sigma tmax", take_tmax},
    {"Sigma noise", take_noise},
    {"Seed", take_seed},
    {"Variation seed", take_subseed},
    {"Tiling", take_tiling},
    {"Denoising strength", take_strength}, /* of a second pass; of a picture, see of_images */
    {"Hires upscale", take_hr_scale},
    {"Hires steps", take_hr_steps},
    {"Hires upscaler", take_hr_upscaler},
    {"Variation seed strength", take_subseed_strength},
    {"Seed resize from", take_resize},
    {"Size", take_size},
    {"DeepCache interval", take_deepcache},
    {"Guidance start", take_guidance_start},
    {"Guidance end", take_guidance_end},
    {"Clip skip", take_clip_skip},
    {"Model", take_model},
    {"Profile", take_profile},
    {"Numerics", take_numerics},
    {"Precision", take_precision},
    {"Format", take_format},
    {"Quality", take_with_format},
    {"Lossless", take_with_format},
    {"Loras", take_nothing}, /* the tags at the end of the prompt */
    {"Lora hashes", take_nothing},
    {"Model hash", take_nothing},
    {"Model type", take_nothing},
    {"VAE", take_vae},
    {"VAE hash", take_nothing},
    {"ISA", take_nothing},
    {"Build", take_nothing},
    {"Version", take_nothing},
    {"Batch size", take_nothing},
    {"Batch pos", take_nothing},
};

/* What only a request with a picture, or with a mask too, can say; the file has neither. */
static const struct {
    const char *key, *field;
    bool of_mask;
} of_images[] = {
    {"Denoising strength", "strength", false},
    {"Image CFG scale", "image_guidance_scale", false},
    {"Mask blur", "mask_blur", true},
    {"Masked content", "masked_content", true},
    {"Mask mode", "mask_invert", true},
    {"Inpaint area", "inpaint_full_res", true},
    {"Masked area padding", "inpaint_full_res_padding", true},
};

static void take_pair(struct inspector *in, const struct infotext_pair *pair)
{
    const bool second_pass = infotext_find(in->info, "Hires upscale") != NULL;

    for (size_t i = 0; i < sizeof of_images / sizeof of_images[0] && !second_pass; i++)
        if (strcmp(of_images[i].key, pair->key) == 0) {
            char detail[160];

            snprintf(detail, sizeof detail,
                     "the picture was made from another one%s, which is not in the file; it takes this as %s",
                     of_images[i].of_mask ? " and a mask" : "", of_images[i].field);
            warn(in, pair->key, detail);
            return;
        }
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        if (strcmp(settings[i].key, pair->key) != 0)
            continue;
        if (!settings[i].take(in, pair->value))
            warn(in, pair->key, "has a value that no request here can have");
        return;
    }
    if (strncmp(pair->key, "ControlNet ", 11) == 0) {
        warn(in, pair->key,
             "the picture was held to another one, which is not in the file; it takes this as controls");
        return;
    }
    warn(in, pair->key, "no request here can say this");
}

/* Of what latentd has written, the last tags are adapters, as many as it says; of AUTOMATIC1111's prompts,
 * all. */
static void take_prompt(struct inspector *in)
{
    const char *count = infotext_find(in->info, "Loras");
    struct ltd_json *loras = ltd_json_new_array();
    char *prompt = strdup(in->info->prompt), wrong[LORA_TAG_WRONG_SIZE];
    size_t last = infotext_find(in->info, "Profile") ? 0 : LORA_TAGS_ALL;
    uint64_t number;

    if (count && parse_uint64(count, &number))
        last = (size_t)number;
    if (!prompt || !lora_tags_take(prompt, last, loras, wrong)) {
        warn(in, "prompt", "names a LoRA in a form that no request here can say");
        add_text(in->request, "prompt", in->info->prompt);
        ltd_json_free(loras);
    } else {
        add_text(in->request, "prompt", prompt);
        if (ltd_json_size(loras) > 0)
            ltd_json_add(in->request, "loras", loras);
        else
            ltd_json_free(loras);
    }
    free(prompt);
}

void inspect_settings(struct inspector *in)
{
    in->request = ltd_json_new_object();
    take_prompt(in);
    if (*in->info->negative_prompt)
        add_text(in->request, "negative_prompt", in->info->negative_prompt);
    for (size_t i = 0; i < in->info->count; i++)
        if (infotext_find(in->info, in->info->pairs[i].key) == in->info->pairs[i].value)
            take_pair(in, &in->info->pairs[i]);
    if (*vae_here(in) && !infotext_find(in->info, "VAE"))
        warn(in, "VAE", "is not told; here another VAE stands in place of the models' own");
    /* Settings that name no profile are AUTOMATIC1111's own, and so are the prompts. */
    if (!infotext_find(in->info, "Profile"))
        add_text(in->request, "profile", ltd_profile_name(LTD_PROFILE_A1111));
}
