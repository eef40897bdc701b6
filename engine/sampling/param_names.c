#include <latentd/params.h>

#include <string.h>

#include "sampling/sampler_table.h"

static const char *const scheduler_names[] = {
#define SCHEDULER(id, name, label) #name,
#include <latentd/schedulers.def>
#undef SCHEDULER
};
static const char *const scheduler_labels[] = {
#define SCHEDULER(id, name, label) label,
#include <latentd/schedulers.def>
#undef SCHEDULER
};
static const char *const profile_names[] = {"diffusers", "a1111"};
static const char *const numerics_names[] = {"default", "strict"};
static const char *const precision_names[] = {"f32", "bf16"};
static const char *const hr_upscaler_names[] = {"latent", "latent_nearest", "lanczos", "network"};
static const char *const preprocessor_names[] = {"none", "canny"};
static const char *const control_fit_names[] = {"stretch", "crop", "fill"};
static const char *const masked_content_names[] = {"fill", "original", "noise", "nothing"};

_Static_assert(sizeof profile_names / sizeof profile_names[0] == LTD_PROFILE_COUNT,
               "a name for every profile");
_Static_assert(sizeof numerics_names / sizeof numerics_names[0] == LTD_NUMERICS_COUNT, "a name for each");
_Static_assert(sizeof precision_names / sizeof precision_names[0] == LTD_PRECISION_COUNT, "a name for each");
_Static_assert(sizeof hr_upscaler_names / sizeof hr_upscaler_names[0] == LTD_HR_UPSCALER_COUNT,
               "a name for each");
_Static_assert(sizeof preprocessor_names / sizeof preprocessor_names[0] == LTD_PREPROCESSOR_COUNT,
               "one name a preprocessor");
_Static_assert(sizeof control_fit_names / sizeof control_fit_names[0] == LTD_CONTROL_FIT_COUNT,
               "a name for each");
_Static_assert(sizeof masked_content_names / sizeof masked_content_names[0] == LTD_MASKED_CONTENT_COUNT,
               "a name for each");

static int find(const char *const *names, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

double ltd_sampler_eta(enum ltd_sampler sampler)
{
    return sampler_table[sampler].eta;
}

bool ltd_sampler_churns(enum ltd_sampler sampler)
{
    return sampler_table[sampler].noise == NOISE_CHURNED;
}

bool ltd_sampler_scales_noise(enum ltd_sampler sampler)
{
    return sampler_table[sampler].noise == NOISE_SCALED;
}

const char *ltd_sampler_name(enum ltd_sampler sampler)
{
    return sampler_table[sampler].name;
}

const char *ltd_sampler_label(enum ltd_sampler sampler)
{
    return sampler_table[sampler].label;
}

int ltd_sampler_find(const char *name)
{
    for (int i = 0; i < LTD_SAMPLER_COUNT; i++)
        if (strcmp(sampler_table[i].name, name) == 0)
            return i;
    return -1;
}

const char *ltd_scheduler_name(enum ltd_scheduler scheduler)
{
    return scheduler_names[scheduler];
}

const char *ltd_scheduler_label(enum ltd_scheduler scheduler)
{
    return scheduler_labels[scheduler];
}

int ltd_scheduler_find(const char *name)
{
    return find(scheduler_names, LTD_SCHEDULER_COUNT, name);
}

const char *ltd_profile_name(enum ltd_profile profile)
{
    return profile_names[profile];
}

int ltd_profile_find(const char *name)
{
    return find(profile_names, LTD_PROFILE_COUNT, name);
}

const char *ltd_numerics_name(enum ltd_numerics numerics)
{
    return numerics_names[numerics];
}

int ltd_numerics_find(const char *name)
{
    return find(numerics_names, LTD_NUMERICS_COUNT, name);
}

const char *ltd_precision_name(enum ltd_precision precision)
{
    return precision_names[precision];
}

int ltd_precision_find(const char *name)
{
    return find(precision_names, LTD_PRECISION_COUNT, name);
}

const char *ltd_preprocessor_name(enum ltd_preprocessor preprocessor)
{
    return preprocessor_names[preprocessor];
}

int ltd_preprocessor_find(const char *name)
{
    return find(preprocessor_names, LTD_PREPROCESSOR_COUNT, name);
}

const char *ltd_control_fit_name(enum ltd_control_fit fit)
{
    return control_fit_names[fit];
}

int ltd_control_fit_find(const char *name)
{
    return find(control_fit_names, LTD_CONTROL_FIT_COUNT, name);
}

const char *ltd_masked_content_name(enum ltd_masked_content content)
{
    return masked_content_names[content];
}

int ltd_masked_content_find(const char *name)
{
    return find(masked_content_names, LTD_MASKED_CONTENT_COUNT, name);
}

const char *ltd_hr_upscaler_name(enum ltd_hr_upscaler upscaler)
{
    return hr_upscaler_names[upscaler];
}

int ltd_hr_upscaler_find(const char *name)
{
    return find(hr_upscaler_names, LTD_HR_UPSCALER_COUNT, name);
}
