#include "api/model_encode.h"

#include "api/family_doc.h"
#include "api/request_encode.h"

static void add_text(struct ltd_json *object, const char *key, const char *text)
{
    ltd_json_add(object, key, ltd_json_new_string(text));
}

static void add_number(struct ltd_json *object, const char *key, double number)
{
    ltd_json_add(object, key, ltd_json_new_number(number));
}

static struct ltd_json *encode_embeddings(const struct ltd_model *model)
{
    struct ltd_json *list = ltd_json_new_array();

    for (size_t i = 0; i < ltd_model_embedding_count(model); i++) {
        const struct ltd_embedding embedding = ltd_model_embedding(model, i);
        struct ltd_json *json = ltd_json_new_object();

        add_text(json, "name", embedding.name);
        add_number(json, "vectors", embedding.vectors);
        if (embedding.refused)
            add_text(json, "refused", embedding.refused);
        ltd_json_append(list, json);
    }
    return list;
}

static struct ltd_json *encode_loras(const struct ltd_model *model)
{
    struct ltd_json *list = ltd_json_new_array();

    for (size_t i = 0; i < ltd_model_lora_count(model); i++) {
        const struct ltd_lora_info lora = ltd_model_lora(model, i);
        struct ltd_json *json = ltd_json_new_object();

        add_text(json, "name", lora.name);
        add_number(json, "layers", lora.layers);
        if (lora.refused)
            add_text(json, "refused", lora.refused);
        ltd_json_append(list, json);
    }
    return list;
}

static struct ltd_json *encode_control_nets(const struct ltd_model *model)
{
    struct ltd_json *list = ltd_json_new_array();

    for (size_t i = 0; i < ltd_model_control_net_count(model); i++) {
        const struct ltd_control_net_info net = ltd_model_control_net(model, i);
        struct ltd_json *json = ltd_json_new_object();

        add_text(json, "name", net.name);
        if (net.refused)
            add_text(json, "refused", net.refused);
        ltd_json_append(list, json);
    }
    return list;
}

static void add_model(struct ltd_json *json, const struct ltd_model *model)
{
    const struct ltd_model_info *info = ltd_model_info(model);
    const struct ltd_gen_params standard = ltd_params_default(model);

    add_text(json, "about", info->about);
    if (*info->vae)
        add_text(json, "vae", info->vae);
    add_text(json, "family", info->family);
    add_text(json, "prediction_type", info->prediction_type);
    add_text(json, "scheduler_class", info->scheduler_class);
    add_text(json, "dtype", info->dtype);
    add_number(json, "parameters", (double)info->parameters);
    add_number(json, "file_bytes", (double)info->file_bytes);
    add_number(json, "vae_factor", info->vae_factor);
    add_number(json, "token_limit", info->token_limit);
    add_number(json, "native_width", info->native_width);
    add_number(json, "native_height", info->native_height);
    ltd_json_add(json, "inpaints", ltd_json_new_bool(info->inpaints));
    ltd_json_add(json, "edits", ltd_json_new_bool(info->edits));
    ltd_json_add(json, "embeddings", encode_embeddings(model));
    ltd_json_add(json, "loras", encode_loras(model));
    ltd_json_add(json, "controlnets", encode_control_nets(model));
    ltd_json_add(json, "defaults", defaults_encode(&standard));
}

struct ltd_json *model_encode(const struct model_set *models, size_t index)
{
    const struct ltd_model *model = model_set_shapes(models, index);
    struct ltd_json *json = ltd_json_new_object();

    add_text(json, "name", models->items[index].name);
    ltd_json_add(json, "default", ltd_json_new_bool(index == 0));
    ltd_json_add(json, "loaded", ltd_json_new_bool(model_set_is_loaded(models, index)));
    if (model)
        add_model(json, model);
    return json;
}

struct ltd_json *models_encode(const struct model_set *models)
{
    struct ltd_json *json = ltd_json_new_object();
    struct ltd_json *list = ltd_json_new_array();

    for (size_t i = 0; i < models->count; i++)
        ltd_json_append(list, model_encode(models, i));
    ltd_json_add(json, "models", list);
    return json;
}

int model_set_side_multiple(const struct model_set *models)
{
    const int factor = ltd_model_info(model_set_shapes(models, 0))->vae_factor;

    for (size_t i = 1; i < models->count; i++) {
        const struct ltd_model *model = model_set_shapes(models, i);

        if (!model || ltd_model_info(model)->vae_factor != factor)
            return 1;
    }
    return factor;
}

static struct ltd_json *encode_samplers(void)
{
    static const char *const references[] = {
#define SAMPLER(id, name, label, reference, keys, takes, noise, eta) reference,
#include <latentd/samplers.def>
#undef SAMPLER
    };
    struct ltd_json *list = ltd_json_new_array();

    for (int i = 0; i < LTD_SAMPLER_COUNT; i++) {
        struct ltd_json *json = ltd_json_new_object();

        add_text(json, "name", ltd_sampler_name((enum ltd_sampler)i));
        add_text(json, "label", ltd_sampler_label((enum ltd_sampler)i));
        add_text(json, "reference", references[i]);
        ltd_json_append(list, json);
    }
    return list;
}

static struct ltd_json *encode_schedulers(void)
{
    struct ltd_json *list = ltd_json_new_array();

    for (int i = 0; i < LTD_SCHEDULER_COUNT; i++) {
        struct ltd_json *json = ltd_json_new_object();

        add_text(json, "name", ltd_scheduler_name((enum ltd_scheduler)i));
        add_text(json, "label", ltd_scheduler_label((enum ltd_scheduler)i));
        ltd_json_append(list, json);
    }
    return list;
}

static struct ltd_json *encode_limits(const struct request_limits *requests, const struct api_limits *api)
{
    struct ltd_json *json = ltd_json_new_object();

    add_number(json, "max_pixels", requests->max_pixels);
    add_number(json, "max_upscaled_pixels", requests->max_upscaled_pixels);
    add_number(json, "max_steps", requests->max_steps);
    add_number(json, "max_count", requests->max_count);
    add_number(json, "max_prompt_bytes", (double)requests->max_prompt_bytes);
    add_number(json, "max_body_bytes", (double)api->max_body);
    add_number(json, "max_requests", api->batch);
    add_number(json, "max_wait_seconds", api->wait_s);
    add_number(json, "queue_limit", api->queue);
    return json;
}

static struct ltd_json *encode_sizes(const struct model_set *models, int max_pixels)
{
    struct ltd_json *list = ltd_json_new_array();

    for (size_t i = 0; i < models->count; i++) {
        const struct ltd_model *model = model_set_shapes(models, i);
        const struct ltd_model_info *info = model ? ltd_model_info(model) : NULL;
        struct ltd_json *json;

        if (!info)
            continue;
        json = ltd_json_new_object();
        add_text(json, "model", models->items[i].name);
        add_number(json, "native_width", info->native_width);
        add_number(json, "native_height", info->native_height);
        add_number(json, "multiple_of", info->vae_factor);
        add_number(json, "max_pixels", max_pixels);
        ltd_json_append(list, json);
    }
    return list;
}

static struct ltd_json *encode_formats(void)
{
    static const char *const names[] = {"input", "output"};
    struct ltd_json *json = ltd_json_new_object();

    for (int i = 0; i < 2; i++) {
        struct ltd_json *list = ltd_json_new_array();

        for (int f = 0; f < LTD_PICTURE_FORMAT_COUNT; f++)
            ltd_json_append(list, ltd_json_new_string(ltd_picture_format_name((enum ltd_picture_format)f)));
        ltd_json_add(json, names[i], list);
    }
    return json;
}

static struct ltd_json *encode_families(void)
{
    struct ltd_json *json = ltd_json_new_object();

    for (size_t i = 0; family_docs[i]; i++) {
        struct ltd_json *fields = ltd_json_new_object();

        family_docs[i]->add_fields(fields);
        ltd_json_add(json, family_docs[i]->name, fields);
    }
    return json;
}

static struct ltd_json *encode_upscaler(const struct ltd_upscaler_info *info)
{
    struct ltd_json *json = ltd_json_new_object();

    add_text(json, "name", info->name);
    if (info->architecture)
        add_text(json, "architecture", info->architecture);
    if (info->factor > 0)
        add_number(json, "scale", info->factor);
    if (info->refused)
        add_text(json, "refused", info->refused);
    return json;
}

struct ltd_json *upscalers_encode(const struct ltd_upscalers *upscalers)
{
    struct ltd_json *json = ltd_json_new_object(), *list = ltd_json_new_array();

    for (size_t i = 0; i < ltd_upscalers_count(upscalers); i++) {
        const struct ltd_upscaler_info info = ltd_upscalers_at(upscalers, i);

        ltd_json_append(list, encode_upscaler(&info));
    }
    ltd_json_add(json, "upscalers", list);
    return json;
}

struct ltd_json *capabilities_encode(const struct request_context *context, const struct api_limits *limits)
{
    const struct model_set *models = context->models;
    const struct ltd_gen_params standard = ltd_params_default(model_set_shapes(models, 0));
    const struct schema_context schema = {&context->limits, &standard, model_set_side_multiple(models),
                                          limits->batch};
    struct ltd_json *json = ltd_json_new_object();

    add_text(json, "version", LATENTD_VERSION);
    add_text(json, "default_model", models->items[0].name);
    ltd_json_add(json, "samplers", encode_samplers());
    ltd_json_add(json, "schedulers", encode_schedulers());
    ltd_json_add(json, "sizes", encode_sizes(models, context->limits.max_pixels));
    ltd_json_add(json, "limits", encode_limits(&context->limits, limits));
    ltd_json_add(json, "formats", encode_formats());
    ltd_json_add(json, "request", request_schema(&schema));
    ltd_json_add(json, "families", encode_families());
    return json;
}
