/* field_table.c - the rows of fields.def, and the words that a field may hold. */
#include "api/fields.h"

#include <stdio.h>

#include <latentd/params.h>
#include <latentd/upscale.h>

static const char *field_kinds(int index)
{
    static const char *const names[] = {"txt2img", "img2img", "upscale"};

    return (size_t)index < sizeof names / sizeof names[0] ? names[index] : NULL;
}

static const char *field_samplers(int index)
{
    return index < LTD_SAMPLER_COUNT ? ltd_sampler_name((enum ltd_sampler)index) : NULL;
}

static const char *field_schedulers(int index)
{
    return index < LTD_SCHEDULER_COUNT ? ltd_scheduler_name((enum ltd_scheduler)index) : NULL;
}

static const char *field_profiles(int index)
{
    return index < LTD_PROFILE_COUNT ? ltd_profile_name((enum ltd_profile)index) : NULL;
}

static const char *field_numerics(int index)
{
    return index < LTD_NUMERICS_COUNT ? ltd_numerics_name((enum ltd_numerics)index) : NULL;
}

static const char *field_precisions(int index)
{
    return index < LTD_PRECISION_COUNT ? ltd_precision_name((enum ltd_precision)index) : NULL;
}

static const char *field_hr_upscalers(int index)
{
    return index < LTD_HR_UPSCALER_COUNT ? ltd_hr_upscaler_name((enum ltd_hr_upscaler)index) : NULL;
}

static const char *field_mask_sources(int index)
{
    return index < LTD_MASK_SOURCE_COUNT ? ltd_mask_source_name((enum ltd_mask_source)index) : NULL;
}

static const char *field_masked_contents(int index)
{
    return index < LTD_MASKED_CONTENT_COUNT ? ltd_masked_content_name((enum ltd_masked_content)index) : NULL;
}

static const char *field_output_formats(int index)
{
    return index < LTD_PICTURE_FORMAT_COUNT ? ltd_picture_format_name((enum ltd_picture_format)index) : NULL;
}

static const char *field_webhook_events(int index)
{
    return index < WEBHOOK_EVENT_COUNT ? webhook_event_name((enum webhook_event)index) : NULL;
}

#define NEEDED true
#define FREE   false

static const struct field fields[FIELD_ID_COUNT] = {
#define FIELD(id, parent, name, need, type, low, high, names, also, standard, about) \
    {parent,                                                                         \
     name,                                                                           \
     sizeof(parent) > 1 ? "/" parent "/" name : "/" name,                            \
     also,                                                                           \
     FIELD_TYPE_##type,                                                              \
     low,                                                                            \
     names,                                                                          \
     need,                                                                           \
     standard,                                                                       \
     about},
#include "api/fields.def"
#undef FIELD
};

const struct field *field_of(enum field_id id)
{
    return &fields[id];
}

double field_high(enum field_id id, const struct request_limits *limits)
{
    switch (id) {
#define FIELD(id, parent, name, need, type, low, high, names, also, standard, about) \
    case FIELD_##id:                                                                 \
        return (double)(high);
#include "api/fields.def"
#undef FIELD
    case FIELD_ID_COUNT:
        break;
    }
    return 0;
}
