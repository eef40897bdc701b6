#include "api/inspect_png.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <latentd/image.h>
#include <latentd/params.h>

#include "api/a1111_sampling.h"
#include "api/infotext.h"
#include "api/lora_tags.h"
#include "util/parse_number.h"

/* What is being told of one file. */
struct inspector {
    const struct model_set *models;
    const struct infotext *info;
    struct ltd_json *request, *warnings;
};

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

static bool take_size(struct inspector *in, const char *text)
{
    char width[16], height[16];
    uint64_t w, h;

    if (sscanf(text, "%15[0-9]x%15[0-9]", width, height) != 2 || !parse_uint64(width, &w) ||
        !parse_uint64(height, &h))
        return false;
    ltd_json_add(in->request, "width", ltd_json_new_uint64(w));
    ltd_json_add(in->request, "height", ltd_json_new_uint64(h));
    return true;
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
    {"Seed", take_seed},
    {"Size", take_size},
    {"DeepCache interval", take_deepcache},
    {"Guidance start", take_guidance_start},
    {"Guidance end", take_guidance_end},
    {"Clip skip", take_clip_skip},
    {"Model", take_model},
    {"Profile", take_profile},
    {"Numerics", take_numerics},
    {"Loras", take_nothing}, /* the tags at the end of the prompt */
    {"Lora hashes", take_nothing},
    {"Model hash", take_nothing},
    {"Model type", take_nothing},
    {"VAE hash", take_nothing},
    {"ISA", take_nothing},
    {"Build", take_nothing},
    {"Version", take_nothing},
    {"Batch size", take_nothing},
    {"Batch pos", take_nothing},
};

static void take_pair(struct inspector *in, const struct infotext_pair *pair)
{
    if (strcmp(pair->key, "Denoising strength") == 0) {
        warn(in, pair->key, "the picture was made from another one, which is not in the file");
        return;
    }
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        if (strcmp(settings[i].key, pair->key) != 0)
            continue;
        if (!settings[i].take(in, pair->value))
            warn(in, pair->key, "has a value that no request here can have");
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

static void take_settings(struct inspector *in, struct ltd_json *json)
{
    struct ltd_json *said = ltd_json_new_object();

    in->request = ltd_json_new_object();
    take_prompt(in);
    add_text(said, "prompt", in->info->prompt);
    if (*in->info->negative_prompt) {
        add_text(in->request, "negative_prompt", in->info->negative_prompt);
        add_text(said, "negative_prompt", in->info->negative_prompt);
    }
    for (size_t i = 0; i < in->info->count; i++) {
        const struct infotext_pair *pair = &in->info->pairs[i];

        if (ltd_json_get(said, pair->key))
            continue;
        add_text(said, pair->key, pair->value);
        take_pair(in, pair);
    }
    /* Settings that name no profile are AUTOMATIC1111's own, and so are the prompts. */
    if (!infotext_find(in->info, "Profile"))
        add_text(in->request, "profile", ltd_profile_name(LTD_PROFILE_A1111));
    ltd_json_add(json, "settings", said);
    ltd_json_add(json, "request", in->request);
}

/* The header of a PNG that has been looked through. */
static double side_at(const uint8_t *data, size_t offset)
{
    return (double)((uint32_t)data[offset] << 24 | (uint32_t)data[offset + 1] << 16 |
                    (uint32_t)data[offset + 2] << 8 | data[offset + 3]);
}

static struct ltd_json *encode_texts(const struct ltd_png_texts *texts, const char **parameters)
{
    struct ltd_json *json = ltd_json_new_object();

    *parameters = NULL;
    for (size_t i = 0; i < texts->count; i++) {
        if (ltd_json_get(json, texts->items[i].keyword))
            continue;
        add_text(json, texts->items[i].keyword, texts->items[i].text);
        if (strcmp(texts->items[i].keyword, "parameters") == 0)
            *parameters = texts->items[i].text;
    }
    return json;
}

bool inspect_png(const struct model_set *models, const void *data, size_t size, struct ltd_json **out,
                 struct problem *problem)
{
    struct inspector in = {.models = models};
    struct ltd_png_texts texts = {0};
    struct infotext info = {0};
    struct ltd_json *json;
    struct ltd_error error;
    const char *parameters;

    if (ltd_png_texts_read(data, size, &texts, &error) != LTD_OK) {
        problem_from_error(problem, &error);
        if (error.status == LTD_EFORMAT)
            problem->status = 422; /* the client's file, not one of ours */
        return false;
    }
    json = ltd_json_new_object();
    in.warnings = ltd_json_new_array();
    ltd_json_add(json, "width", ltd_json_new_number(side_at(data, 16)));
    ltd_json_add(json, "height", ltd_json_new_number(side_at(data, 20)));
    ltd_json_add(json, "texts", encode_texts(&texts, &parameters));
    if (parameters && infotext_parse(parameters, &info) && info.count > 0) {
        in.info = &info;
        take_settings(&in, json);
    }
    ltd_json_add(json, "warnings", in.warnings);
    infotext_fini(&info);
    ltd_png_texts_fini(&texts);
    *out = json;
    return true;
}
