#include "commands/generate_request.h"

#include "api/request_image.h"
#include "util/parse_number.h"
#include "util/read_file.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of an --init-image: the file, and its pixels. */
static const size_t max_file_bytes = (size_t)256 << 20;
static const size_t max_image_pixels = (size_t)64 << 20;

const struct option_spec generate_specs[GENERATE_COUNT] = {
#define OPTION(kind, place, key, standard, min, max, unit, value, help) \
    {#key,                                                              \
     OPTION_KIND_##kind,                                                \
     OPTION_##place,                                                    \
     offsetof(struct generate_flags, key),                              \
     standard,                                                          \
     min,                                                               \
     max,                                                               \
     unit,                                                              \
     value,                                                             \
     help},
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

static const struct names named[] = {
    {GENERATE_sampler, LTD_SAMPLER_COUNT, ltd_sampler_find, sampler_at},
    {GENERATE_scheduler, LTD_SCHEDULER_COUNT, ltd_scheduler_find, scheduler_at},
    {GENERATE_profile, LTD_PROFILE_COUNT, ltd_profile_find, profile_at},
    {GENERATE_numerics, LTD_NUMERICS_COUNT, ltd_numerics_find, numerics_at},
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

/* Drawing takes minutes: a name that cannot be written is told before it. */
static void check_output(struct option_set *set, const char *output)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(output, '/');
    struct stat st;
    int refused;

    if (strcmp(output, "-") == 0)
        return;
    if (*output == '\0' || strlen(output) + 16 > sizeof folder) {
        option_set_problem(set, "--output: the name is %s", *output ? "too long" : "empty");
        return;
    }
    if (stat(output, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            option_set_problem(set, "--output: %s is a folder", output);
        refused = access(output, W_OK);
    } else {
        snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - output) + 1 : 1, slash ? output : ".");
        refused = access(folder, W_OK | X_OK);
    }
    if (refused)
        option_set_problem(set, "--output: %s cannot be written: %s", output, strerror(errno));
}

void generate_check_flags(struct option_set *set, const struct generate_flags *flags)
{
    if (!generate_has(flags, GENERATE_prompt))
        option_set_problem(set, "--prompt: missing (an empty one, \"\", is valid)");
    if (!generate_has(flags, GENERATE_output))
        option_set_problem(set, "--output: missing");
    else
        check_output(set, flags->output);
    if (strcmp(flags->output, "-") == 0 && flags->count > 1)
        option_set_problem(set, "--count: standard output takes one image");
    if (generate_has(flags, GENERATE_strength) && !generate_has(flags, GENERATE_init_image))
        option_set_problem(set, "--strength: only with --init-image");
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

static void fill(const struct generate_flags *flags, struct ltd_gen_params *params)
{
    uint32_t drawn = 0;

    params->prompt = flags->prompt;
    params->negative_prompt = flags->negative_prompt;
    params->seed = flags->seed;
    if (!generate_has(flags, GENERATE_seed)) {
        if (getrandom(&drawn, sizeof drawn, 0) != sizeof drawn)
            drawn = (uint32_t)getpid();
        params->seed = drawn;
    }
    params->steps = given_or(flags, GENERATE_steps, flags->steps, params->steps);
    params->width = given_or(flags, GENERATE_width, flags->width, params->width);
    params->height = given_or(flags, GENERATE_height, flags->height, params->height);
    params->count = given_or(flags, GENERATE_count, flags->count, params->count);
    params->clip_skip = given_or(flags, GENERATE_clip_skip, flags->clip_skip, params->clip_skip);
    if (generate_has(flags, GENERATE_cfg_scale))
        params->cfg_scale = flags->cfg_scale;
    if (generate_has(flags, GENERATE_strength))
        params->strength = flags->strength;
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
}

/* The --init-image at the size that is drawn: the asked one, else its own as near as the model can. */
static enum ltd_status load_init_image(const struct generate_flags *flags, FILE *warnings, int factor,
                                       struct ltd_gen_params *params, struct ltd_image **out,
                                       struct ltd_error *err)
{
    char told[REQUEST_IMAGE_TOLD_SIZE];
    void *data = NULL;
    size_t size;
    enum ltd_status status;
    const char *wrong = read_file(flags->init_image, max_file_bytes, &data, &size);

    if (wrong)
        return ltd_fail(err, LTD_EIO, "%s", wrong);
    status = ltd_image_decode(data, size, max_image_pixels, out, err);
    free(data);
    if (status != LTD_OK)
        return status;
    request_image_size(*out, factor, generate_has(flags, GENERATE_width),
                       generate_has(flags, GENERATE_height), params);
    status = request_image_fit(out, params, told, err);
    if (status == LTD_OK && told[0])
        fprintf(warnings, "warning: --init-image: %s\n", told);
    return status;
}

static void report_finding(void *arg, bool warning, const char *field, const char *message)
{
    struct option_set *set = arg;

    if (warning)
        fputs("warning: ", set->problems);
    else
        set->problem_count++;
    option_print_flag(set->problems, strcmp(field, "image") == 0 ? "init_image" : field);
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
                     struct ltd_gen_params *params, struct ltd_image **init_image)
{
    struct ltd_error err;

    *params = ltd_params_default(model);
    *init_image = NULL;
    fill(flags, params);
    params->loras = loras->items;
    params->lora_count = loras->count;
    if (generate_has(flags, GENERATE_init_image)) {
        if (load_init_image(flags, set->problems, ltd_model_info(model)->vae_factor, params, init_image,
                            &err) != LTD_OK)
            option_set_problem(set, "--init-image: %s: %s", flags->init_image, err.message);
    }
    ltd_params_check(model, params, report_finding, set);
}
