#include "api/request_encode.h"

#include <stdio.h>
#include <string.h>

#include "api/control_list.h"

static void add_text(struct ltd_json *object, const char *key, const char *text)
{
    ltd_json_add(object, key, ltd_json_new_string(text));
}

/* The value of a field that the engine knows; NULL: it knows no such field. */
static struct ltd_json *encode_param(enum field_id id, const struct ltd_gen_params *p)
{
    switch (id) {
    case FIELD_NEGATIVE_PROMPT:
        return ltd_json_new_string(p->negative_prompt);
    case FIELD_STEPS:
        return ltd_json_new_number(p->steps);
    case FIELD_CFG_SCALE:
        return ltd_json_new_number(p->cfg_scale);
    case FIELD_CFG_RESCALE:
        return ltd_json_new_number(p->cfg_rescale);
    case FIELD_IMAGE_GUIDANCE:
        return p->image_guidance_scale > 0 ? ltd_json_new_number(p->image_guidance_scale) : NULL;
    case FIELD_SAMPLER:
        return ltd_json_new_string(ltd_sampler_name(p->sampler));
    case FIELD_SCHEDULER:
        return ltd_json_new_string(ltd_scheduler_name(p->scheduler));
    case FIELD_WIDTH:
        return ltd_json_new_number(p->width);
    case FIELD_HEIGHT:
        return ltd_json_new_number(p->height);
    case FIELD_COUNT:
        return ltd_json_new_number(p->count);
    case FIELD_STRENGTH:
        return ltd_json_new_number(p->strength);
    case FIELD_TILING:
        return ltd_json_new_bool(p->tiling);
    case FIELD_SUBSEED_STRENGTH:
        return ltd_json_new_number(p->subseed_strength);
    case FIELD_MASK_INVERT:
        return ltd_json_new_bool(p->mask_invert);
    case FIELD_MASK_BLUR:
        return ltd_json_new_number(p->mask_blur);
    case FIELD_MASKED_CONTENT:
        return ltd_json_new_string(ltd_masked_content_name(p->masked_content));
    case FIELD_MASK_FULL_RES:
        return ltd_json_new_bool(p->inpaint_full_res);
    case FIELD_MASK_PADDING:
        return ltd_json_new_number(p->inpaint_full_res_padding);
    case FIELD_CLIP_SKIP:
        return ltd_json_new_number(p->clip_skip);
    case FIELD_GUIDANCE_START:
        return ltd_json_new_number(p->guidance_start);
    case FIELD_GUIDANCE_END:
        return ltd_json_new_number(p->guidance_end);
    case FIELD_DEEPCACHE:
        return ltd_json_new_number(p->deepcache_interval);
    case FIELD_PROFILE:
        return ltd_json_new_string(ltd_profile_name(p->profile));
    case FIELD_NUMERICS:
        return ltd_json_new_string(ltd_numerics_name(p->numerics));
    case FIELD_PRECISION:
        return ltd_json_new_string(ltd_precision_name(p->precision));
    default:
        return NULL;
    }
}

static struct ltd_json *encode_loras(const struct ltd_gen_params *p)
{
    struct ltd_json *list = p->lora_count > 0 ? ltd_json_new_array() : NULL;

    for (int i = 0; i < p->lora_count; i++) {
        struct ltd_json *json = ltd_json_new_object();

        add_text(json, "name", p->loras[i].name);
        ltd_json_add(json, "weight", ltd_json_new_number(p->loras[i].weight));
        ltd_json_add(json, "text_weight", ltd_json_new_number(p->loras[i].text_weight));
        ltd_json_append(list, json);
    }
    return list;
}

static struct ltd_json *encode_controls(const struct ltd_gen_params *p)
{
    struct ltd_json *list = p->control_count > 0 ? ltd_json_new_array() : NULL;

    for (int i = 0; i < p->control_count; i++)
        ltd_json_append(list, control_encode(&p->controls[i]));
    return list;
}

static struct ltd_json *encode_tags(const struct job_request *request)
{
    struct ltd_json *json = request->tag_count > 0 ? ltd_json_new_array() : NULL;

    for (size_t i = 0; i < request->tag_count; i++)
        ltd_json_append(json, ltd_json_new_string(request->tags[i]));
    return json;
}

static struct ltd_json *encode_events(unsigned events)
{
    struct ltd_json *json = ltd_json_new_array();

    for (int i = 0; i < WEBHOOK_EVENT_COUNT; i++)
        if (events & 1u << i)
            ltd_json_append(json, ltd_json_new_string(webhook_event_name((enum webhook_event)i)));
    return json;
}

/* The same of a picture that is made larger, but for what all kinds have; NULL as well. */
static struct ltd_json *encode_upscale(enum field_id id, const struct job_request *request)
{
    const struct ltd_upscale_params *p = &request->upscales[0].params;

    switch (id) {
    case FIELD_KIND:
        return ltd_json_new_string("upscale");
    case FIELD_UPSCALER:
        return ltd_json_new_string(p->upscaler);
    case FIELD_SCALE:
        return p->scale > 0 ? ltd_json_new_number(p->scale) : NULL;
    case FIELD_NUMERICS:
        return encode_param(id, &request->params);
    default:
        return NULL;
    }
}

/* What all kinds have; *found: it is one of these. */
static struct ltd_json *encode_common(enum field_id id, const struct job_request *request, bool *found)
{
    *found = true;
    switch (id) {
    case FIELD_OUTPUT_FORMAT:
        return ltd_json_new_string(ltd_picture_format_name(request->form.format));
    case FIELD_OUTPUT_QUALITY:
        return request->form.format == LTD_PICTURE_PNG || request->form.lossless
                   ? NULL
                   : ltd_json_new_number(request->form.quality);
    case FIELD_OUTPUT_LOSSLESS:
        return request->form.format == LTD_PICTURE_WEBP ? ltd_json_new_bool(request->form.lossless) : NULL;
    case FIELD_OUTPUT_METADATA:
        return ltd_json_new_bool(request->metadata);
    case FIELD_TAGS:
        return encode_tags(request);
    case FIELD_DEADLINE:
        return request->deadline_s > 0 ? ltd_json_new_number(request->deadline_s) : NULL;
    case FIELD_WEBHOOK_URL:
        return request->webhook_url ? ltd_json_new_string(request->webhook_url) : NULL;
    case FIELD_WEBHOOK_EVENTS:
        return request->webhook_url ? encode_events(request->webhook_events) : NULL;
    default:
        *found = false;
        return NULL;
    }
}

static bool outpaints(const struct job_request *request)
{
    const struct outpaint *o = &request->outpaint;

    return o->left > 0 || o->right > 0 || o->top > 0 || o->bottom > 0;
}

static struct ltd_json *encode_side(int pixels)
{
    return pixels > 0 ? ltd_json_new_number(pixels) : NULL;
}

/* The value of a field; NULL: the request has none. */
static struct ltd_json *encode_field(enum field_id id, const struct job_request *request,
                                     const struct model_set *models)
{
    const struct ltd_gen_params *p = &request->params;
    bool found;
    struct ltd_json *common = encode_common(id, request, &found);

    if (found)
        return common;
    if (request->upscales)
        return encode_upscale(id, request);
    switch (id) {
    case FIELD_KIND:
        return ltd_json_new_string(p->init_image ? "img2img" : "txt2img");
    case FIELD_PROMPT:
        return ltd_json_new_string(p->prompt);
    case FIELD_SEED:
        return ltd_json_new_uint64(p->seed);
    case FIELD_SUBSEED:
        return p->subseed_strength > 0 ? ltd_json_new_uint64(p->subseed) : NULL;
    case FIELD_RESIZE_FROM_W:
        return p->seed_resize_from_w > 0 ? ltd_json_new_number(p->seed_resize_from_w) : NULL;
    case FIELD_RESIZE_FROM_H:
        return p->seed_resize_from_h > 0 ? ltd_json_new_number(p->seed_resize_from_h) : NULL;
    case FIELD_STRENGTH:
        return p->init_image || p->hr_scale > 0 ? encode_param(id, p) : NULL;
    case FIELD_ETA:
        return ltd_sampler_eta(p->sampler) == LTD_ETA_STANDARD
                   ? NULL
                   : ltd_json_new_number(p->eta == LTD_ETA_STANDARD ? ltd_sampler_eta(p->sampler) : p->eta);
    case FIELD_S_CHURN:
        return p->s_churn > 0 ? ltd_json_new_number(p->s_churn) : NULL;
    case FIELD_S_TMIN:
        return p->s_tmin > 0 ? ltd_json_new_number(p->s_tmin) : NULL;
    case FIELD_S_TMAX:
        return p->s_tmax > 0 ? ltd_json_new_number(p->s_tmax) : NULL;
    case FIELD_S_NOISE:
        return p->s_noise != 1 ? ltd_json_new_number(p->s_noise) : NULL;
    case FIELD_HR_SCALE:
        return p->hr_scale > 0 ? ltd_json_new_number(p->hr_scale) : NULL;
    case FIELD_HR_UPSCALER:
        return p->hr_scale > 0 ? ltd_json_new_string(ltd_hr_upscaler_name(p->hr_upscaler)) : NULL;
    case FIELD_UPSCALER:
        return p->hr_network ? ltd_json_new_string(p->hr_network) : NULL;
    case FIELD_HR_STEPS:
        return p->hr_steps > 0 ? ltd_json_new_number(p->hr_steps) : NULL;
    case FIELD_MASK_BLUR:
    case FIELD_MASKED_CONTENT:
        return p->mask ? encode_param(id, p) : NULL;
    case FIELD_MASK_INVERT:
    case FIELD_MASK_FULL_RES:
    case FIELD_MASK_PADDING:
        return p->mask && !outpaints(request) ? encode_param(id, p) : NULL;
    case FIELD_OUTPAINT_LEFT:
        return encode_side(request->outpaint.left);
    case FIELD_OUTPAINT_RIGHT:
        return encode_side(request->outpaint.right);
    case FIELD_OUTPAINT_TOP:
        return encode_side(request->outpaint.top);
    case FIELD_OUTPAINT_BOTTOM:
        return encode_side(request->outpaint.bottom);
    case FIELD_MODEL:
        return ltd_json_new_string(models->items[request->model].name);
    case FIELD_LORAS:
        return encode_loras(p);
    case FIELD_CONTROLS:
        return encode_controls(p);
    default:
        return encode_param(id, p);
    }
}

static struct ltd_json *encode_members(const char *parent, const struct job_request *request,
                                       const struct model_set *models)
{
    struct ltd_json *json = ltd_json_new_object();

    for (int i = 0; i < FIELD_ID_COUNT; i++) {
        const struct field *field = field_of((enum field_id)i);
        struct ltd_json *value;

        if (strcmp(field->parent, parent) != 0)
            continue;
        if (field->type == FIELD_TYPE_OBJECT)
            value = encode_members(field->name, request, models);
        else
            value = encode_field((enum field_id)i, request, models);
        if (field->type == FIELD_TYPE_OBJECT && ltd_json_size(value) == 0)
            ltd_json_free(value);
        else if (value)
            ltd_json_add(json, field->name, value);
    }
    return json;
}

struct ltd_json *request_encode(const struct job_request *request, const struct model_set *models)
{
    return encode_members("", request, models);
}

struct ltd_json *defaults_encode(const struct ltd_gen_params *params)
{
    struct ltd_json *json = ltd_json_new_object();

    for (int i = 0; i < FIELD_ID_COUNT; i++) {
        struct ltd_json *value = encode_param((enum field_id)i, params);

        if (value)
            ltd_json_add(json, field_of((enum field_id)i)->name, value);
    }
    return json;
}

static struct ltd_json *encode_names(const struct field *field)
{
    struct ltd_json *names = ltd_json_new_array();

    for (int i = 0; field->names(i); i++)
        ltd_json_append(names, ltd_json_new_string(field->names(i)));
    return names;
}

static void add_number(struct ltd_json *object, const char *key, double number)
{
    ltd_json_add(object, key, ltd_json_new_number(number));
}

static struct ltd_json *members_schema(const char *parent, const struct schema_context *context);

static void add_text_list(struct ltd_json *schema, const struct field *field, double high)
{
    struct ltd_json *item = ltd_json_new_object();

    add_text(schema, "type", "array");
    add_number(schema, "maxItems", field->low);
    add_text(item, "type", "string");
    add_number(item, "minLength", 1);
    add_number(item, "maxLength", high);
    ltd_json_add(schema, "items", item);
}

static void add_name_list(struct ltd_json *schema, const struct field *field)
{
    struct ltd_json *item = ltd_json_new_object();

    add_text(schema, "type", "array");
    add_number(schema, "minItems", 1);
    ltd_json_add(schema, "uniqueItems", ltd_json_new_bool(true));
    add_text(item, "type", "string");
    ltd_json_add(item, "enum", encode_names(field));
    ltd_json_add(schema, "items", item);
}

static void add_lora_list(struct ltd_json *schema, const struct field *field, double high)
{
    static const char *const weights[] = {"weight", "text_weight"};
    struct ltd_json *item = ltd_json_new_object(), *properties = ltd_json_new_object(),
                    *name = ltd_json_new_object(), *required = ltd_json_new_array();

    add_text(schema, "type", "array");
    add_number(schema, "maxItems", field->low);
    add_text(name, "type", "string");
    add_number(name, "minLength", 1);
    ltd_json_add(properties, "name", name);
    for (size_t i = 0; i < sizeof weights / sizeof weights[0]; i++) {
        struct ltd_json *weight = ltd_json_new_object();

        add_text(weight, "type", "number");
        add_number(weight, "minimum", -high);
        add_number(weight, "maximum", high);
        ltd_json_add(properties, weights[i], weight);
    }
    ltd_json_append(required, ltd_json_new_string("name"));
    add_text(item, "type", "object");
    ltd_json_add(item, "properties", properties);
    ltd_json_add(item, "required", required);
    ltd_json_add(item, "additionalProperties", ltd_json_new_bool(false));
    ltd_json_add(schema, "items", item);
}

static void add_image(struct ltd_json *schema)
{
    add_text(schema, "type", "string");
    add_text(schema, "contentEncoding", "base64");
    add_text(schema, "contentMediaType", "image/png");
}

static void add_type(struct ltd_json *schema, const struct field *field, double high)
{
    switch (field->type) {
    case FIELD_TYPE_TEXT:
        add_text(schema, "type", "string");
        add_number(schema, "maxLength", high);
        break;
    case FIELD_TYPE_TEXTS:
        add_text_list(schema, field, high);
        break;
    case FIELD_TYPE_SEED:
        add_text(schema, "type", "integer");
        add_number(schema, "minimum", 0);
        ltd_json_add(schema, "maximum", ltd_json_new_uint64(UINT64_MAX));
        break;
    case FIELD_TYPE_INTEGER:
    case FIELD_TYPE_SIDE:
    case FIELD_TYPE_NUMBER:
        add_text(schema, "type", field->type == FIELD_TYPE_NUMBER ? "number" : "integer");
        add_number(schema, "minimum", field->low);
        add_number(schema, "maximum", high);
        break;
    case FIELD_TYPE_SHARE:
        add_text(schema, "type", "number");
        add_number(schema, "exclusiveMinimum", field->low);
        add_number(schema, "maximum", high);
        break;
    case FIELD_TYPE_NAME:
        add_text(schema, "type", "string");
        ltd_json_add(schema, "enum", encode_names(field));
        break;
    case FIELD_TYPE_NAMES:
        add_name_list(schema, field);
        break;
    case FIELD_TYPE_IMAGE:
        add_image(schema);
        break;
    case FIELD_TYPE_LORAS:
        add_lora_list(schema, field, high);
        break;
    case FIELD_TYPE_CONTROLS:
        add_text(schema, "type", "array");
        add_number(schema, "maxItems", field->low);
        ltd_json_add(schema, "items", control_schema());
        break;
    case FIELD_TYPE_BOOL:
        add_text(schema, "type", "boolean");
        break;
    case FIELD_TYPE_OBJECT:
        break;
    }
}

struct ltd_json *field_schema(enum field_id id, const struct schema_context *context)
{
    const struct field *field = field_of(id);
    struct ltd_json *standard = encode_param(id, context->defaults), *schema;
    char about[320];

    if (field->type == FIELD_TYPE_OBJECT)
        schema = members_schema(field->name, context);
    else
        schema = ltd_json_new_object();
    add_type(schema, field, field_high(id, context->limits));
    if (field->type == FIELD_TYPE_SIDE)
        add_number(schema, "multipleOf", context->side_multiple);
    if (standard)
        ltd_json_add(schema, "default", standard);
    snprintf(about, sizeof about, field->required ? "%s" : "%s. When it is absent: %s.", field->about,
             field->standard);
    add_text(schema, "description", about);
    return schema;
}

static struct ltd_json *members_schema(const char *parent, const struct schema_context *context)
{
    struct ltd_json *schema = ltd_json_new_object();
    struct ltd_json *properties = ltd_json_new_object(), *required = ltd_json_new_array();

    for (int i = 0; i < FIELD_ID_COUNT; i++) {
        const struct field *field = field_of((enum field_id)i);

        if (strcmp(field->parent, parent) != 0)
            continue;
        ltd_json_add(properties, field->name, field_schema((enum field_id)i, context));
        if (field->required)
            ltd_json_append(required, ltd_json_new_string(field->name));
    }
    add_text(schema, "type", "object");
    ltd_json_add(schema, "properties", properties);
    if (ltd_json_size(required) > 0)
        ltd_json_add(schema, "required", required);
    else
        ltd_json_free(required);
    ltd_json_add(schema, "additionalProperties", ltd_json_new_bool(false));
    return schema;
}

struct ltd_json *request_schema(const struct schema_context *context)
{
    return members_schema("", context);
}
