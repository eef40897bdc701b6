#include "api/a1111_decode.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/a1111_controlnet.h"
#include "api/a1111_sampling.h"
#include "api/fields.h"
#include "api/lora_tags.h"

static const char tag_prefix[] = "task:";

struct decoder {
    enum a1111_route route;
    const struct a1111_catalog *catalog;
    struct a1111_settings settings;
    struct a1111_value values[A1111_FIELD_COUNT];
    struct a1111_asked *out;
    struct a1111_refusal *refusal;
};

#define IS(d, id) ((d)->values[A1111_##id].present && !(d)->values[A1111_##id].wrong)
#define NAME(id)  a1111_field_name(A1111_##id)

/* What does not fit into `field` is cut at a character. */
static void take_note(void *arg, const char *field, const char *message)
{
    struct decoder *d = arg;
    struct a1111_asked *out = d->out;
    struct a1111_note *note;
    size_t length = strlen(field);

    if (out->note_count == JOB_MAX_WARNINGS)
        return;
    note = &out->notes[out->note_count++];
    if (length >= sizeof note->field) {
        length = sizeof note->field - 1;
        while (length > 0 && ((unsigned char)field[length] & 0xC0) == 0x80)
            length--;
    }
    snprintf(note->field, sizeof note->field, "%.*s", (int)length, field);
    snprintf(note->message, sizeof note->message, "%s", message);
}

static void on_unknown(void *arg, const char *name)
{
    take_note(arg, name, "is no field here, and was ignored");
}

static void add(struct decoder *d, const char *native, struct ltd_json *value)
{
    ltd_json_add(d->out->native, native, value);
}

static struct ltd_json *new_integer(const struct a1111_value *value)
{
    return value->number < 0 || !value->fits ? ltd_json_new_number(value->number)
                                             : ltd_json_new_uint64(value->magnitude);
}

static void refuse_networks(struct decoder *d, enum a1111_field field, const char *what)
{
    a1111_refuse_value(d->refusal, a1111_field_name(field), "value_error",
                       "%s; take it out, or send %s: true", what, NAME(NO_EXTRA_NETWORKS));
}

/* The prompt without the adapters that it names, which have a field of their own. */
static void take_prompt(struct decoder *d)
{
    const struct a1111_value *value = &d->values[A1111_PROMPT];
    struct ltd_json *loras = ltd_json_new_array();
    char *text = strdup(value->present ? value->text : ""), wrong[LORA_TAG_WRONG_SIZE], what[160];

    if (text && !d->values[A1111_NO_EXTRA_NETWORKS].truth) {
        if (strstr(text, "<hypernet:"))
            refuse_networks(d, A1111_PROMPT, "names a hypernetwork, which are not built");
        if (!lora_tags_take(text, LORA_TAGS_ALL, loras, wrong)) {
            snprintf(what, sizeof what, "has \"%s\", which is not <lora:NAME:WEIGHT>", wrong);
            refuse_networks(d, A1111_PROMPT, what);
        }
    }
    add(d, "prompt", ltd_json_new_string(text ? text : ""));
    if (ltd_json_size(loras) > 0)
        add(d, "loras", loras);
    else
        ltd_json_free(loras);
    free(text);
}

/* Adapters are named in the prompt alone: there, one in the negative prompt would be a word. */
static void take_negative_prompt(struct decoder *d)
{
    const struct a1111_value *value = &d->values[A1111_NEGATIVE_PROMPT];

    if (!value->present)
        return;
    add(d, "negative_prompt", ltd_json_new_string(value->text));
    if (!d->values[A1111_NO_EXTRA_NETWORKS].truth &&
        (strstr(value->text, "<lora:") || strstr(value->text, "<hypernet:")))
        refuse_networks(d, A1111_NEGATIVE_PROMPT, "names a LoRA or hypernetwork, which only prompt can");
}

/* Prompts have their grammar here, whatever a native request's profile is without being asked. */
static void take_prompts(struct decoder *d)
{
    add(d, "profile", ltd_json_new_string(ltd_profile_name(LTD_PROFILE_A1111)));
    take_prompt(d);
    take_negative_prompt(d);
}

static void take_seed(struct decoder *d, enum a1111_field field, const char *native)
{
    const struct a1111_value *seed = &d->values[field];

    if (!seed->present || seed->number == -1)
        return;
    if (seed->number < 0)
        a1111_refuse_value(d->refusal, a1111_field_name(field), "value_error",
                           "is %g; send an integer from 0 to 18446744073709551615, or -1 to have one drawn",
                           seed->number);
    else
        add(d, native, new_integer(seed));
}

/* What is off there is left out here. */
static void take_variation(struct decoder *d)
{
    const struct a1111_value *strength = &d->values[A1111_SUBSEED_STRENGTH];
    const struct a1111_value *width = &d->values[A1111_SEED_RESIZE_FROM_W];
    const struct a1111_value *height = &d->values[A1111_SEED_RESIZE_FROM_H];

    if (strength->present && strength->number > 0) {
        add(d, "subseed_strength", ltd_json_new_number(strength->number));
        take_seed(d, A1111_SUBSEED, "subseed");
    }
    if (d->values[A1111_TILING].truth)
        add(d, "tiling", ltd_json_new_bool(true));
    if (width->present && width->number > 0 && height->present && height->number > 0) {
        add(d, "seed_resize_from_w", new_integer(width));
        add(d, "seed_resize_from_h", new_integer(height));
    }
}

/* 1 when it is absent; below 1, which is told, NaN. */
static double read_count(struct decoder *d, enum a1111_field field)
{
    const struct a1111_value *value = &d->values[field];

    if (!value->present)
        return 1;
    if (value->number >= 1)
        return value->number;
    a1111_refuse_value(d->refusal, a1111_field_name(field), "value_error", "is %g; send at least 1",
                       value->number);
    return NAN;
}

static void take_numbers(struct decoder *d)
{
    static const struct {
        enum a1111_field field;
        const char *native;
    } integers[] = {{A1111_STEPS, "steps"}, {A1111_WIDTH, "width"}, {A1111_HEIGHT, "height"}};
    const double count = read_count(d, A1111_BATCH_SIZE) * read_count(d, A1111_N_ITER);

    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++)
        if (d->values[integers[i].field].present)
            add(d, integers[i].native, new_integer(&d->values[integers[i].field]));
    if (IS(d, CFG_SCALE))
        add(d, "cfg_scale", ltd_json_new_number(d->values[A1111_CFG_SCALE].number));
    if (count <= 1e15)
        add(d, "count", ltd_json_new_uint64((uint64_t)count));
    else if (!isnan(count))
        a1111_refuse_value(d->refusal, NAME(BATCH_SIZE), "value_error", "asks for %g pictures", count);
}

/* Clients send 1 or 0 with every sampler; there too it has no part in those that add no noise. */
static void take_eta(struct decoder *d, enum ltd_sampler sampler)
{
    if (IS(d, ETA) && ltd_sampler_eta(sampler) != LTD_ETA_STANDARD)
        add(d, "eta", ltd_json_new_number(d->values[A1111_ETA].number));
}

/* There, these are handed to some of the samplers that scale their noise. */
static bool hears_s_noise(enum ltd_sampler sampler)
{
    return ltd_sampler_scales_noise(sampler) && sampler != LTD_SAMPLER_EULER_A &&
           sampler != LTD_SAMPLER_RESTART;
}

/* Sent with every sampler, too, and with the values that stand for none. */
static void take_churn(struct decoder *d, enum ltd_sampler sampler)
{
    static const struct {
        enum a1111_field field;
        const char *native;
    } churn[] = {{A1111_S_CHURN, "s_churn"}, {A1111_S_TMIN, "s_tmin"}, {A1111_S_TMAX, "s_tmax"}};
    const bool churns = ltd_sampler_churns(sampler) && IS(d, S_CHURN) && d->values[A1111_S_CHURN].number != 0;

    for (size_t i = 0; i < sizeof churn / sizeof churn[0] && churns; i++)
        if (d->values[churn[i].field].number != 0)
            add(d, churn[i].native, ltd_json_new_number(d->values[churn[i].field].number));
    if (IS(d, S_NOISE) && (churns || hears_s_noise(sampler)))
        add(d, "s_noise", ltd_json_new_number(d->values[A1111_S_NOISE].number));
}

static void take_sampling(struct decoder *d)
{
    const struct ltd_model *model = model_set_shapes(d->catalog->models, d->settings.model);
    const char *name = d->values[A1111_SAMPLER_NAME].text, *scheduler = d->values[A1111_SCHEDULER].text;
    struct a1111_sampling found;
    char shown[FIELD_SHOWN_SIZE];

    if (!name || !*name)
        name = d->values[A1111_SAMPLER_INDEX].text;
    switch (a1111_sampling_find(name, scheduler, ltd_params_default(model).sampler, &found)) {
    case A1111_SAMPLER_UNKNOWN:
        a1111_refuse_all(d->refusal, 400, "invalid",
                         "Sampler not found: \"%s\"; GET /sdapi/v1/samplers lists what is built",
                         field_shown(shown, name));
        return;
    case A1111_SCHEDULER_UNKNOWN:
        a1111_refuse_value(d->refusal, NAME(SCHEDULER), "value_error",
                           "\"%s\" is not built; GET /sdapi/v1/schedulers lists what is",
                           field_shown(shown, scheduler ? scheduler : name));
        return;
    case A1111_FOUND:
        break;
    }
    take_eta(d, found.sampler);
    take_churn(d, found.sampler);
    if (found.names_sampler)
        add(d, "sampler", ltd_json_new_string(ltd_sampler_name(found.sampler)));
    if (found.names_sampler || found.names_scheduler)
        add(d, "scheduler", ltd_json_new_string(ltd_scheduler_name(found.scheduler)));
    if (found.scheduler_has_no_part)
        take_note(d, NAME(SCHEDULER), "has no part in this sampler, which spaces its steps itself");
    if (found.names_two_schedulers)
        take_note(d, NAME(SCHEDULER), "was ignored: the sampler's name has another one in it");
}

static void take_image(struct decoder *d)
{
    const struct ltd_json *images = d->values[A1111_INIT_IMAGES].json;
    const char *image = ltd_json_string(ltd_json_first(images));
    double strength = strtod(a1111_field_standard(A1111_DENOISING_STRENGTH), NULL);

    if (d->route != A1111_IMG2IMG)
        return;
    if (d->values[A1111_INIT_IMAGES].wrong)
        return;
    if (!ltd_json_first(images)) {
        a1111_refuse_all(d->refusal, 404, "not_found",
                         "Init image not found: send init_images with a picture as base64");
        return;
    }
    if (ltd_json_size(images) > 1)
        a1111_refuse_value(
            d->refusal, NAME(INIT_IMAGES), "value_error",
            "has %zu pictures; a request starts from one, send the others in requests of their own",
            ltd_json_size(images));
    else if (!image)
        a1111_refuse_value(d->refusal, "init_images/0", "type_error.str", "is %s; send a picture as base64",
                           ltd_json_type_name(ltd_json_type(ltd_json_first(images))));
    else {
        add(d, "image", ltd_json_new_string(image));
        if (IS(d, DENOISING_STRENGTH))
            strength = d->values[A1111_DENOISING_STRENGTH].number;
        add(d, "strength", ltd_json_new_number(strength));
    }
}

/* After the image, which stands in for pictures that are not sent. */
static void take_scripts(struct decoder *d)
{
    const struct a1111_controlnet_about about = {model_set_shapes(d->catalog->models, d->settings.model),
                                                 ltd_json_string(ltd_json_get(d->out->native, "image"))};
    struct ltd_json *controls = NULL;

    if (IS(d, ALWAYSON_SCRIPTS))
        controls =
            a1111_controlnet_take(d->values[A1111_ALWAYSON_SCRIPTS].json, &about, take_note, d, d->refusal);
    if (controls)
        add(d, "controls", controls);
}

/* There, without a value, an editing model's picture has no guidance of its own. */
static void take_image_guidance(struct decoder *d)
{
    const struct ltd_model *model = model_set_shapes(d->catalog->models, d->settings.model);
    const double scale = IS(d, IMAGE_CFG_SCALE) ? d->values[A1111_IMAGE_CFG_SCALE].number : 1;

    if (d->route == A1111_IMG2IMG && ltd_model_info(model)->edits)
        add(d, "image_guidance_scale", ltd_json_new_number(scale));
}

/* What the second pass has of the first. */
static void check_second_pass(struct decoder *d)
{
    static const enum a1111_field fields[] = {
        A1111_FIRSTPHASE_WIDTH,   A1111_FIRSTPHASE_HEIGHT, A1111_HR_RESIZE_X,  A1111_HR_RESIZE_Y,
        A1111_HR_CHECKPOINT,      A1111_HR_SAMPLER,        A1111_HR_SCHEDULER, A1111_HR_PROMPT,
        A1111_HR_NEGATIVE_PROMPT, A1111_HR_MODULES,        A1111_HR_CFG};

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        struct a1111_value *value = &d->values[fields[i]];

        if (value->text && strncasecmp(value->text, "use same", 8) == 0)
            continue;
        a1111_value_check(value, a1111_field_type(fields[i]), A1111_OFF, a1111_field_name(fields[i]),
                          "the second pass has the first one's, and hr_scale times its size; leave it out",
                          d->refusal);
    }
}

static void take_second_pass(struct decoder *d)
{
    const struct a1111_value *scale = &d->values[A1111_HR_SCALE], *steps = &d->values[A1111_HR_STEPS];
    const struct a1111_value *strength = &d->values[A1111_DENOISING_STRENGTH];
    const char *name = IS(d, HR_UPSCALER) ? d->values[A1111_HR_UPSCALER].text : NULL;
    const int upscaler = a1111_upscaler_find(name);
    const struct ltd_upscaler_info network =
        name ? a1111_upscaler_info(d->catalog->models->upscalers, name) : (struct ltd_upscaler_info){0};
    char shown[FIELD_SHOWN_SIZE];

    if (d->route != A1111_TXT2IMG || !d->values[A1111_ENABLE_HR].truth)
        return;
    check_second_pass(d);
    add(d, "hr_scale",
        ltd_json_new_number(scale->present ? scale->number
                                           : strtod(a1111_field_standard(A1111_HR_SCALE), NULL)));
    add(d, "strength",
        ltd_json_new_number(strength->present
                                ? strength->number
                                : strtod(a1111_field_standard(A1111_DENOISING_STRENGTH), NULL)));
    if (steps->present && steps->number > 0)
        add(d, "hr_steps", new_integer(steps));
    if (upscaler < 0 && network.factor > 0)
        add(d, "upscaler", ltd_json_new_string(network.name));
    else if (upscaler < 0)
        a1111_refuse_value(d->refusal, NAME(HR_UPSCALER), "value_error",
                           "\"%s\" is not built; send Latent, Latent (nearest), Lanczos, or a network of GET "
                           "/sdapi/v1/upscalers",
                           field_shown(shown, name));
    else
        add(d, "hr_upscaler", ltd_json_new_string(ltd_hr_upscaler_name((enum ltd_hr_upscaler)upscaler)));
}

/* The blur of both directions, which is one here; NaN, which is told, where they differ. */
static double read_mask_blur(struct decoder *d)
{
    const double standard = strtod(a1111_field_standard(A1111_MASK_BLUR_X), NULL);
    const double x = IS(d, MASK_BLUR_X) ? d->values[A1111_MASK_BLUR_X].number : standard;
    const double y = IS(d, MASK_BLUR_Y) ? d->values[A1111_MASK_BLUR_Y].number : standard;

    if (IS(d, MASK_BLUR))
        return d->values[A1111_MASK_BLUR].number;
    if (x == y)
        return x;
    a1111_refuse_value(d->refusal, NAME(MASK_BLUR_X), "value_error",
                       "is %g and mask_blur_y %g; send the same for both, or mask_blur", x, y);
    return NAN;
}

static void take_mask(struct decoder *d)
{
    const struct a1111_value *mask = &d->values[A1111_MASK], *full = &d->values[A1111_INPAINT_FULL_RES];
    const struct a1111_value *padding = &d->values[A1111_INPAINT_PADDING];
    const double content = d->values[A1111_INPAINTING_FILL].number;
    double blur;

    if (!IS(d, MASK) || !*mask->text)
        return;
    add(d, "mask", ltd_json_new_string(mask->text));
    add(d, "mask_from", ltd_json_new_string(ltd_mask_source_name(LTD_MASK_OPAQUE)));
    if (content < 0 || content >= LTD_MASKED_CONTENT_COUNT)
        a1111_refuse_value(d->refusal, NAME(INPAINTING_FILL), "value_error", "is %g; send 0 to %d", content,
                           LTD_MASKED_CONTENT_COUNT - 1);
    else
        add(d, "masked_content",
            ltd_json_new_string(ltd_masked_content_name((enum ltd_masked_content)content)));
    add(d, "mask_invert", ltd_json_new_bool(d->values[A1111_MASK_INVERT].number != 0));
    add(d, "inpaint_full_res", ltd_json_new_bool(!full->present || full->truth));
    if (padding->present)
        add(d, "inpaint_full_res_padding", new_integer(padding));
    blur = read_mask_blur(d);
    if (!isnan(blur))
        add(d, "mask_blur", ltd_json_new_number(blur));
}

static void take_settings(struct decoder *d)
{
    const struct ltd_json *override = d->values[A1111_OVERRIDE_SETTINGS].json;
    struct ltd_json *layers = ltd_json_new_object();

    if (IS(d, CLIP_SKIP) && !ltd_json_get(override, "CLIP_stop_at_last_layers"))
        ltd_json_add(layers, "CLIP_stop_at_last_layers", ltd_json_copy(d->values[A1111_CLIP_SKIP].json));
    if (IS(d, OVERRIDE_SETTINGS))
        a1111_settings_take(&d->settings, override, A1111_OVERRIDE, "override_settings/", d->catalog,
                            take_note, d, d->refusal);
    a1111_settings_take(&d->settings, layers, A1111_OVERRIDE, "", d->catalog, take_note, d, d->refusal);
    ltd_json_free(layers);
    if (IS(d, OVERRIDE_SETTINGS) && ltd_json_first(override) && IS(d, OVERRIDE_RESTORE) &&
        !d->values[A1111_OVERRIDE_RESTORE].truth)
        take_note(d, NAME(OVERRIDE_RESTORE), "an override never outlives its request; POST options does");
    add(d, "model", ltd_json_new_string(d->catalog->models->items[d->settings.model].name));
    if (d->settings.format != LTD_PICTURE_PNG)
        add(d, "output", a1111_output_encode(&d->settings));
    if (d->settings.stop_at_last_layers > 0)
        add(d, "clip_skip", ltd_json_new_number(d->settings.stop_at_last_layers - 1));
}

static void take_task(struct decoder *d)
{
    const char *task = d->values[A1111_FORCE_TASK_ID].text;

    if (!task)
        return;
    if (strlen(task) < A1111_TASK_SIZE)
        strcpy(d->out->task, task);
    else
        a1111_refuse_value(d->refusal, NAME(FORCE_TASK_ID), "value_error", "has %zu bytes; send at most %d",
                           strlen(task), A1111_TASK_SIZE - 1);
}

/* Pictures may be many megabytes: they are told back only where that is asked for. */
static void keep_echo(struct decoder *d)
{
    const bool images = d->values[A1111_INCLUDE_INIT_IMAGES].truth;

    for (int i = 0; i < A1111_FIELD_COUNT; i++)
        if (d->values[i].present && *a1111_field_standard((enum a1111_field)i) &&
            ((i != A1111_INIT_IMAGES && i != A1111_MASK && i != A1111_ALWAYSON_SCRIPTS) || images))
            ltd_json_add(d->out->echo, a1111_field_name((enum a1111_field)i),
                         ltd_json_copy(d->values[i].json));
}

bool a1111_decode(const struct ltd_json *document, enum a1111_route route,
                  const struct a1111_settings *standing, const struct a1111_catalog *catalog,
                  struct a1111_asked *out, struct a1111_refusal *refusal)
{
    struct decoder d = {
        .route = route, .catalog = catalog, .settings = *standing, .out = out, .refusal = refusal};

    *out = (struct a1111_asked){.native = ltd_json_new_object(), .echo = ltd_json_new_object()};
    if (ltd_json_type(document) != LTD_JSON_OBJECT) {
        a1111_refuse_value(refusal, "", "type_error.dict", "is %s; send an object",
                           ltd_json_type_name(ltd_json_type(document)));
        return false;
    }
    a1111_fields_read(document, route, d.values, on_unknown, &d, refusal);
    take_settings(&d);
    take_prompts(&d);
    take_seed(&d, A1111_SEED, "seed");
    take_variation(&d);
    take_numbers(&d);
    take_sampling(&d);
    take_image(&d);
    take_image_guidance(&d);
    take_scripts(&d);
    take_mask(&d);
    take_second_pass(&d);
    take_task(&d);
    keep_echo(&d);
    return refusal->status == 0;
}

void a1111_asked_fini(struct a1111_asked *asked)
{
    ltd_json_free(asked->native);
    ltd_json_free(asked->echo);
    *asked = (struct a1111_asked){0};
}

const char *a1111_tag(const char *task, char tag[A1111_TAG_SIZE])
{
    snprintf(tag, A1111_TAG_SIZE, "%s%s", tag_prefix, task);
    return tag;
}

const char *a1111_task_of(const struct job_request *request)
{
    const size_t length = sizeof tag_prefix - 1;

    for (size_t i = 0; i < request->tag_count; i++)
        if (strncmp(request->tags[i], tag_prefix, length) == 0)
            return request->tags[i] + length;
    return NULL;
}

bool a1111_dress_request(const struct a1111_asked *asked, struct job_request *request)
{
    char tag[A1111_TAG_SIZE];
    bool done = true;

    request->family = JOB_A1111;
    request->detach = asked->task[0] != '\0';
    request->echo = ltd_json_print(asked->echo, false);
    if (asked->task[0])
        done = job_request_tag(request, a1111_tag(asked->task, tag));
    for (size_t i = 0; done && i < asked->note_count && request->warning_count < JOB_MAX_WARNINGS; i++)
        done = job_request_warn(request, asked->notes[i].field, asked->notes[i].message);
    return done && request->echo;
}
