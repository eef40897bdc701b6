#include "store/job_request.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    bool standard;
} webhook_events[WEBHOOK_EVENT_COUNT] = {
#define WEBHOOK_EVENT(id, name, standard) {name, standard},
#include "store/webhook_events.def"
#undef WEBHOOK_EVENT
};

const char *job_family_name(enum job_family family)
{
    static const char *const names[JOB_FAMILY_COUNT] = {"native", "openai", "a1111", "hf"};

    return names[family];
}

const char *webhook_event_name(enum webhook_event event)
{
    return webhook_events[event].name;
}

int webhook_event_find(const char *name)
{
    for (int i = 0; i < WEBHOOK_EVENT_COUNT; i++)
        if (strcmp(webhook_events[i].name, name) == 0)
            return i;
    return -1;
}

struct job_request *job_request_new(void)
{
    struct job_request *request = calloc(1, sizeof *request);

    if (request)
        atomic_init(&request->references, 1);
    return request;
}

struct job_request *job_request_ref(struct job_request *request)
{
    atomic_fetch_add(&request->references, 1);
    return request;
}

static void free_upscale(struct job_upscale *upscale)
{
    free((char *)(uintptr_t)upscale->params.upscaler);
    free((char *)(uintptr_t)upscale->params.upscaler_2);
    ltd_image_free((struct ltd_image *)(uintptr_t)upscale->params.image);
    free(upscale->before);
}

void job_request_unref(struct job_request *request)
{
    if (!request || atomic_fetch_sub(&request->references, 1) != 1)
        return;
    for (size_t i = 0; i < request->warning_count; i++) {
        free(request->warnings[i].field);
        free(request->warnings[i].message);
    }
    for (size_t i = 0; i < request->tag_count; i++)
        free(request->tags[i]);
    for (int i = 0; request->upscales && i < request->params.count; i++)
        free_upscale(&request->upscales[i]);
    free(request->upscales);
    for (int i = 0; i < request->params.lora_count; i++)
        free((char *)(uintptr_t)request->loras[i].name);
    for (int i = 0; i < request->params.control_count; i++) {
        free((char *)(uintptr_t)request->controls[i].model);
        ltd_image_free((struct ltd_image *)(uintptr_t)request->controls[i].image);
    }
    free(request->webhook_url);
    free(request->echo);
    ltd_image_free(request->image);
    ltd_image_free(request->mask);
    free(request->prompt);
    free(request->negative_prompt);
    free(request->hr_network);
    free(request);
}

bool job_request_warn(struct job_request *request, const char *field, const char *message)
{
    struct job_warning warning;

    if (request->warning_count == JOB_MAX_WARNINGS)
        return false;
    warning.field = strdup(field);
    warning.message = strdup(message);
    if (!warning.field || !warning.message) {
        free(warning.field);
        free(warning.message);
        return false;
    }
    request->warnings[request->warning_count++] = warning;
    return true;
}

bool job_request_add_lora(struct job_request *request, const struct ltd_lora *lora)
{
    struct ltd_gen_params *p = &request->params;
    char *name = p->lora_count < LTD_MAX_LORAS ? strdup(lora->name) : NULL;

    if (!name)
        return false;
    request->loras[p->lora_count++] = (struct ltd_lora){name, lora->weight, lora->text_weight};
    p->loras = request->loras;
    return true;
}

bool job_request_add_control(struct job_request *request, const struct ltd_control *control,
                             struct ltd_image *picture)
{
    struct ltd_gen_params *p = &request->params;
    char *name = p->control_count < LTD_MAX_CONTROLS ? strdup(control->model) : NULL;

    if (!name) {
        ltd_image_free(picture);
        return false;
    }
    request->controls[p->control_count] = *control;
    request->controls[p->control_count].model = name;
    request->controls[p->control_count++].image = picture;
    p->controls = request->controls;
    return true;
}

bool job_request_add_upscale(struct job_request *request, const struct ltd_upscale_params *params,
                             struct ltd_image *picture, char *before)
{
    const int count = request->upscales ? request->params.count : 0;
    struct job_upscale *upscales = realloc(request->upscales, (size_t)(count + 1) * sizeof *upscales);
    struct job_upscale added = {*params, before};

    added.params.image = picture;
    added.params.upscaler = strdup(params->upscaler);
    added.params.upscaler_2 = params->upscaler_2 ? strdup(params->upscaler_2) : NULL;
    if (upscales)
        request->upscales = upscales;
    if (!upscales || !added.params.upscaler || (params->upscaler_2 && !added.params.upscaler_2)) {
        free_upscale(&added);
        return false;
    }
    upscales[count] = added;
    request->params.count = count + 1;
    request->params.width = params->width;
    request->params.height = params->height;
    return true;
}

bool job_request_tag(struct job_request *request, const char *tag)
{
    char *copy = request->tag_count < JOB_MAX_TAGS ? strdup(tag) : NULL;

    if (!copy)
        return false;
    request->tags[request->tag_count++] = copy;
    return true;
}

bool job_request_has_tag(const struct job_request *request, const char *tag)
{
    for (size_t i = 0; i < request->tag_count; i++)
        if (strcmp(request->tags[i], tag) == 0)
            return true;
    return false;
}

bool job_request_set_webhook(struct job_request *request, const char *url, unsigned events)
{
    char *copy = strdup(url);

    if (!copy)
        return false;
    for (unsigned i = 0; events == 0 && i < WEBHOOK_EVENT_COUNT; i++)
        request->webhook_events |= webhook_events[i].standard ? 1u << i : 0;
    request->webhook_events |= events;
    free(request->webhook_url);
    request->webhook_url = copy;
    return true;
}

static size_t image_bytes(const struct ltd_image *image)
{
    return image ? (size_t)image->width * (size_t)image->height * 3 : 0;
}

size_t job_request_bytes(const struct job_request *request)
{
    size_t bytes = sizeof *request;

    bytes += request->prompt ? strlen(request->prompt) : 0;
    bytes += request->negative_prompt ? strlen(request->negative_prompt) : 0;
    bytes += request->webhook_url ? strlen(request->webhook_url) : 0;
    bytes += request->echo ? strlen(request->echo) : 0;
    for (int i = 0; i < request->params.lora_count; i++)
        bytes += strlen(request->loras[i].name);
    for (int i = 0; i < request->params.control_count; i++)
        bytes += strlen(request->controls[i].model) + image_bytes(request->controls[i].image);
    for (int i = 0; request->upscales && i < request->params.count; i++) {
        const struct job_upscale *upscale = &request->upscales[i];

        bytes += sizeof *upscale + image_bytes(upscale->params.image);
        bytes += upscale->before ? strlen(upscale->before) : 0;
    }
    for (size_t i = 0; i < request->tag_count; i++)
        bytes += strlen(request->tags[i]);
    for (size_t i = 0; i < request->warning_count; i++)
        bytes += strlen(request->warnings[i].field) + strlen(request->warnings[i].message);
    return bytes + image_bytes(request->image) + image_bytes(request->mask);
}
