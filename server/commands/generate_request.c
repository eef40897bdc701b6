#include "commands/generate_request.h"

#include "api/request_image.h"
#include "commands/picture_file.h"
#include "commands/picture_output.h"
#include "util/parse_number.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

const struct option_spec generate_specs[GENERATE_COUNT] = {
#define OPTION(...) OPTION_SPEC(generate_flags, __VA_ARGS__),
#include "commands/generate.def"
#undef OPTION
};

struct option_set generate_option_set(struct generate_flags *flags, FILE *problems)
{
    return (struct option_set){generate_specs, GENERATE_COUNT, flags, flags->origins, problems, 0};
}

bool generate_has(const struct generate_flags *flags, enum generate_index index)
{
    return flags->origins[index].rank == OPTION_FLAG;
}

/* A flag whose value is one of a list of names, as the engine knows them. */
struct names {
    enum generate_index index;
    int count;
    int (*find)(const char *name);
    const char *(*at)(int number);
};

static const char *sampler_at(int number)
{
    return ltd_sampler_name((enum ltd_sampler)number);
}

static const char *scheduler_at(int number)
{
    return ltd_scheduler_name((enum ltd_scheduler)number);
}

static const char *profile_at(int number)
{
    return ltd_profile_name((enum ltd_profile)number);
}

static const char *numerics_at(int number)
{
    return ltd_numerics_name((enum ltd_numerics)number);
}

static const char *precision_at(int number)
{
    return ltd_precision_name((enum ltd_precision)number);
}

static const char *masked_content_at(int number)
{
    return ltd_masked_content_name((enum ltd_masked_content)number);
}

static const char *hr_upscaler_at(int number)
{
    return ltd_hr_upscaler_name((enum ltd_hr_upscaler)number);
}

static const struct names named[] = {
    {GENERATE_hr_upscaler, LTD_HR_UPSCALER_COUNT, ltd_hr_upscaler_find, hr_upscaler_at},
    {GENERATE_masked_content, LTD_MASKED_CONTENT_COUNT, ltd_masked_content_find, masked_content_at},
    {GENERATE_sampler, LTD_SAMPLER_COUNT, ltd_sampler_find, sampler_at},
    {GENERATE_scheduler, LTD_SCHEDULER_COUNT, ltd_scheduler_find, scheduler_at},
    {GENERATE_profile, LTD_PROFILE_COUNT, ltd_profile_find, profile_at},
    {GENERATE_numerics, LTD_NUMERICS_COUNT, ltd_numerics_find, numerics_at},
    {GENERATE_precision, LTD_PRECISION_COUNT, ltd_precision_find, precision_at},
};

static const char *text_of(const struct generate_flags *flags, enum generate_index index)
{
    return *(char *const *)((const char *)flags + generate_specs[index].offset);
}

static void check_name(struct option_set *set, const struct generate_flags *flags, const struct names *names)
{
    const char *text = text_of(flags, names->index);

    if (!generate_has(flags, names->index) || names->find(text) >= 0)
        return;
    set->problem_count++;
    option_print_flag(set->problems, generate_specs[names->index].key);
    fprintf(set->problems, ": \"%s\" is none of", text);
    for (int i = 0; i < names->count; i++)
        fprintf(set->problems, "%s %s", i > 0 ? "," : "", names->at(i));
    fputc('\n', set->problems);
}

bool generate_output_name(const char *output, int index, char *name, size_t size)
{
    const char *slash = strrchr(output, '/'), *base = slash ? slash + 1 : output, *dot = strrchr(base, '.');
    const size_t stem = dot && dot > base ? (size_t)(dot - output) : strlen(output);
    int length;

    if (stem >= size)
        return false;
    if (index == 0)
        length = snprintf(name, size, "%s", output);
    else
        length = snprintf(name, size, "%.*s-%d%s", (int)stem, output, index, output + stem);
    return length > 0 && (size_t)length < size;
}

struct ltd_picture_form generate_form(const struct generate_flags *flags)
{
    return picture_output_form(flags->output, flags->quality, flags->lossless);
}

static void check_form(struct option_set *set, const struct generate_flags *flags)
{
    const struct ltd_picture_form form = generate_form(flags);

    picture_output_check_form(set, &form, generate_has(flags, GENERATE_quality));
}

static void check_needed(struct option_set *set, const struct generate_flags *flags)
{
    static const struct {
        enum generate_index flag, needs;
        const char *wrong;
    } pairs[] = {{GENERATE_subseed, GENERATE_subseed_strength, "--subseed: only with --subseed-strength"},
                 {GENERATE_hr_upscaler, GENERATE_hr_scale, "--hr-upscaler: only with --hr-scale"},
                 {GENERATE_hr_steps, GENERATE_hr_scale, "--hr-steps: only with --hr-scale"},
                 {GENERATE_control, GENERATE_controlnets_dir, "--control: only with --controlnets-dir"},
                 {GENERATE_mask, GENERATE_init_image, "--mask: only with --init-image"},
                 {GENERATE_image_guidance_scale, GENERATE_init_image,
                  "--image-guidance-scale: only with --init-image"},
                 {GENERATE_mask_invert, GENERATE_mask, "--mask-invert: only with --mask"},
                 {GENERATE_mask_blur, GENERATE_mask, "--mask-blur: only with --mask"},
                 {GENERATE_masked_content, GENERATE_mask, "--masked-content: only with --mask"},
                 {GENERATE_inpaint_full_res, GENERATE_mask, "--inpaint-full-res: only with --mask"},
                 {GENERATE_inpaint_full_res_padding, GENERATE_inpaint_full_res,
                  "--inpaint-full-res-padding: only with --inpaint-full-res"}};

    if (generate_has(flags, GENERATE_strength) && !generate_has(flags, GENERATE_init_image) &&
        !generate_has(flags, GENERATE_hr_scale))
        option_set_problem(set, "--strength: only with --init-image or --hr-scale");
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (generate_has(flags, pairs[i].flag) && !generate_has(flags, pairs[i].needs))
            option_set_problem(set, "%s", pairs[i].wrong);
}

void generate_check_flags(struct option_set *set, const struct generate_flags *flags)
{
    if (!generate_has(flags, GENERATE_prompt))
        option_set_problem(set, "--prompt: missing (an empty one, \"\", is valid)");
    if (!generate_has(flags, GENERATE_output))
        option_set_problem(set, "--output: missing");
    else
        picture_output_check(set, flags->output);
    if (strcmp(flags->output, "-") == 0 && flags->count > 1)
        option_set_problem(set, "--count: standard output takes one image");
    check_needed(set, flags);
    check_form(set, flags);
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
        check_name(set, flags, &named[i]);
}

static int given_or(const struct generate_flags *flags, enum generate_index index, int given, int standard)
{
    return generate_has(flags, index) ? given : standard;
}

static int found_or(const struct generate_flags *flags, enum generate_index index, int (*find)(const char *),
                    int standard)
{
    const int number = generate_has(flags, index) ? find(text_of(flags, index)) : -1;

    return number >= 0 ? number : standard;
}

static uint64_t draw_seed(void)
{
    uint32_t drawn = 0;

    if (getrandom(&drawn, sizeof drawn, 0) != sizeof drawn)
        drawn = (uint32_t)getpid();
    return drawn;
}

static void fill(const struct generate_flags *flags, struct ltd_gen_params *params)
{
    params->prompt = flags->prompt;
    params->negative_prompt = flags->negative_prompt;
    params->seed = generate_has(flags, GENERATE_seed) ? flags->seed : draw_seed();
    params->steps = given_or(flags, GENERATE_steps, flags->steps, params->steps);
    params->width = given_or(flags, GENERATE_width, flags->width, params->width);
    params->height = given_or(flags, GENERATE_height, flags->height, params->height);
    params->count = given_or(flags, GENERATE_count, flags->count, params->count);
    params->clip_skip = given_or(flags, GENERATE_clip_skip, flags->clip_skip, params->clip_skip);
    if (generate_has(flags, GENERATE_cfg_scale))
        params->cfg_scale = flags->cfg_scale;
    if (generate_has(flags, GENERATE_eta))
        params->eta = flags->eta;
    if (generate_has(flags, GENERATE_strength))
        params->strength = flags->strength;
    params->subseed = generate_has(flags, GENERATE_subseed) ? flags->subseed : draw_seed();
    params->subseed_strength = flags->subseed_strength;
    params->seed_resize_from_w = flags->seed_resize_from_w;
    params->seed_resize_from_h = flags->seed_resize_from_h;
    params->tiling = flags->tiling;
    params->hr_scale = flags->hr_scale;
    params->hr_upscaler = (enum ltd_hr_upscaler)found_or(flags, GENERATE_hr_upscaler, ltd_hr_upscaler_find,
                                                         (int)params->hr_upscaler);
    params->hr_steps = flags->hr_steps;
    params->mask_invert = flags->mask_invert;
    params->mask_blur = flags->mask_blur;
    params->masked_content = (enum ltd_masked_content)found_or(
        flags, GENERATE_masked_content, ltd_masked_content_find, (int)params->masked_content);
    params->inpaint_full_res = flags->inpaint_full_res;
    params->inpaint_full_res_padding = flags->inpaint_full_res_padding;
    if (generate_has(flags, GENERATE_image_guidance_scale))
        params->image_guidance_scale = flags->image_guidance_scale;
    params->cfg_rescale = flags->cfg_rescale;
    params->guidance_start = flags->guidance_start;
    params->guidance_end = flags->guidance_end;
    params->deepcache_interval = flags->deepcache_interval;
    params->sampler =
        (enum ltd_sampler)found_or(flags, GENERATE_sampler, ltd_sampler_find, (int)params->sampler);
    params->scheduler =
        (enum ltd_scheduler)found_or(flags, GENERATE_scheduler, ltd_scheduler_find, (int)params->scheduler);
    params->profile =
        (enum ltd_profile)found_or(flags, GENERATE_profile, ltd_profile_find, (int)params->profile);
    params->numerics =
        (enum ltd_numerics)found_or(flags, GENERATE_numerics, ltd_numerics_find, (int)params->numerics);
    params->precision =
        (enum ltd_precision)found_or(flags, GENERATE_precision, ltd_precision_find, (int)params->precision);
}

static enum ltd_status fit_image(FILE *warnings, const char *flag, struct ltd_image **image, int width,
                                 int height, struct ltd_error *err)
{
    char told[REQUEST_IMAGE_TOLD_SIZE];
    const enum ltd_status status = request_image_fit(image, width, height, told, err);

    if (status == LTD_OK && told[0])
        fprintf(warnings, "warning: %s: %s\n", flag, told);
    return status;
}

/* The --init-image at the size that is drawn, the asked one, else its own as near as the model can; as it is,
 * where only a part of it is drawn. */
static enum ltd_status load_init_image(const struct generate_flags *flags, FILE *warnings, int factor,
                                       struct ltd_gen_params *params, struct ltd_image **out,
                                       struct ltd_error *err)
{
    enum ltd_status status = picture_file_read(flags->init_image, out, err);

    if (status == LTD_OK && !params->inpaint_full_res) {
        request_image_size(*out, factor, generate_has(flags, GENERATE_width),
                           generate_has(flags, GENERATE_height), params);
        status = fit_image(warnings, "--init-image", out, params->width, params->height, err);
    }
    params->init_image = status == LTD_OK ? *out : NULL;
    return status;
}

/* The --mask at the size of the --init-image. */
static enum ltd_status load_mask(const struct generate_flags *flags, FILE *warnings,
                                 struct ltd_gen_params *params, struct ltd_image **out, struct ltd_error *err)
{
    enum ltd_status status = picture_file_read(flags->mask, out, err);

    if (status == LTD_OK)
        status =
            fit_image(warnings, "--mask", out, params->init_image->width, params->init_image->height, err);
    params->mask = status == LTD_OK ? *out : NULL;
    return status;
}

/* The flag that says a field. */
static const char *flag_of(const char *field)
{
    static const char *const other[][2] = {
        {"image", "init_image"}, {"loras", "lora"}, {"controls", "control"}};

    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
        if (strcmp(other[i][0], field) == 0)
            return other[i][1];
    return field;
}

static void report_finding(void *arg, bool warning, const char *field, const char *message)
{
    struct option_set *set = arg;

    if (warning)
        fputs("warning: ", set->problems);
    else
        set->problem_count++;
    option_print_flag(set->problems, flag_of(field));
    fprintf(set->problems, ": %s\n", message);
}

/* NAME[:WEIGHT[:TEXT_WEIGHT]] */
static bool read_lora(char *name, struct ltd_lora *lora)
{
    char *weight = strchr(name, ':'), *text_weight;

    *lora = (struct ltd_lora){name, 1, 1};
    if (!weight)
        return *name != '\0';
    *weight++ = '\0';
    text_weight = strchr(weight, ':');
    if (text_weight)
        *text_weight++ = '\0';
    if (!*name || !parse_real(weight, &lora->weight))
        return false;
    lora->text_weight = lora->weight;
    return !text_weight || parse_real(text_weight, &lora->text_weight);
}

void generate_loras_read(struct option_set *set, const struct generate_flags *flags,
                         struct generate_loras *loras)
{
    const struct option_list *list = &flags->lora;

    if (list->count > LTD_MAX_LORAS)
        option_set_problem(set, "--lora: at most %d", LTD_MAX_LORAS);
    for (size_t i = 0; i < list->count && i < LTD_MAX_LORAS; i++) {
        char *name = strdup(list->items[i]);

        if (name && read_lora(name, &loras->items[loras->count])) {
            loras->names[loras->count++] = name;
            continue;
        }
        free(name);
        option_set_problem(set, "--lora: \"%s\" is not NAME, NAME:WEIGHT or NAME:WEIGHT:TEXT_WEIGHT",
                           list->items[i]);
    }
}

void generate_loras_fini(struct generate_loras *loras)
{
    for (int i = 0; i < loras->count; i++)
        free(loras->names[i]);
    *loras = (struct generate_loras){0};
}

void generate_params(struct option_set *set, const struct generate_flags *flags,
                     const struct ltd_model *model, const struct generate_loras *loras,
                     const struct generate_controls *controls, struct ltd_gen_params *params,
                     struct ltd_image **init_image, struct ltd_image **mask)
{
    struct ltd_error err;

    *params = ltd_params_default(model);
    *init_image = *mask = NULL;
    fill(flags, params);
    params->loras = loras->items;
    params->lora_count = loras->count;
    params->controls = controls->items;
    params->control_count = controls->count;
    if (generate_has(flags, GENERATE_init_image)) {
        if (load_init_image(flags, set->problems, ltd_model_info(model)->vae_factor, params, init_image,
                            &err) != LTD_OK)
            option_set_problem(set, "--init-image: %s: %s", flags->init_image, err.message);
    }
    if (params->init_image && generate_has(flags, GENERATE_mask) &&
        load_mask(flags, set->problems, params, mask, &err) != LTD_OK)
        option_set_problem(set, "--mask: %s: %s", flags->mask, err.message);
    ltd_params_check(model, params, report_finding, set);
}
