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

_Static_assert(sizeof profile_names / sizeof profile_names[0] == LTD_PROFILE_COUNT,
               "a name for every profile");
_Static_assert(sizeof numerics_names / sizeof numerics_names[0] == LTD_NUMERICS_COUNT, "a name for each");

static int find(const char *const *names, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
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
