/* params_check.c - is a request one that this model can draw? */
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/conditioning.h"
#include "pipeline/guidance.h"

struct check {
    const struct ltd_model *model;
    const struct ltd_gen_params *params;
    ltd_finding_fn *found;
    void *arg;
    bool good;
    bool guided;     /* the prompt, once it has been read, has guidance */
    size_t parts;    /* of the prompt */
    int evaluations; /* of the model, once the plan has been tried */
};

__attribute__((format(printf, 4, 5))) static void find(struct check *c, bool warning, const char *field,
                                                       const char *format, ...)
{
    char message[512];
    va_list args;

    if (!warning)
        c->good = false;
    if (!c->found)
        return;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    c->found(c->arg, warning, field, message);
}

static void check_side(struct check *c, const char *field, int side, int native)
{
    const int factor = c->model->info.vae_factor;
    const int least = factor * (int)unet_min_side(unet_config(c->model->unet));

    if (side < least || side > MODEL_MAX_SIDE)
        find(c, false, field, "must be %d to %d pixels", least, MODEL_MAX_SIDE);
    else if (side % factor != 0)
        find(c, false, field, "must be a multiple of %d; the nearest are %d and %d", factor,
             side / factor * factor, (side / factor + 1) * factor);
    else if (side > 2 * native || 2 * side < native)
        find(c, true, field, "%d pixels are far from the %d this model was trained at", side, native);
}

static void take_guidance(struct check *c, const struct prompt *prompt)
{
    c->guided = conditioning_is_guided(c->params, prompt);
    c->parts = prompt->parts;
}

static void check_prompt(struct check *c, enum conditioning_role role)
{
    const bool is_prompt = role == CONDITIONING_PROMPT;
    const char *field = is_prompt ? "prompt" : "negative_prompt";
    const char *text = is_prompt ? c->params->prompt : c->params->negative_prompt;
    const size_t limit = (size_t)c->model->info.token_limit - 2;
    struct prompt_rules rules = conditioning_rules(c->model, c->params, role);
    struct prompt prompt = {0};
    struct ltd_error err;

    /* Wrong steps are told elsewhere. */
    if (rules.steps < 1)
        rules.steps = 1;
    if (!text)
        find(c, false, field, "must be a string");
    else if (prompt_read(&prompt, &rules, text, &err) != LTD_OK)
        find(c, false, field, "%s", err.message);
    else if (is_prompt)
        take_guidance(c, &prompt);
    if (prompt.cut > 0)
        find(c, true, field, "the last %zu of %zu tokens are beyond the %zu this model reads, and were cut",
             prompt.cut, prompt.cut + limit, limit);
    if (prompt.chunks.unusable)
        find(c, true, field, "the embedding \"%.80s\" cannot be used (%s); its name was read as text",
             prompt.chunks.unusable->name, embeddings_refusal(&c->model->embeddings, prompt.chunks.unusable));
    if (prompt.break_is_word)
        find(c, true, field, "a BREAK inside of brackets was read as a word; close the brackets before it");
    prompt_fini(&prompt);
}

/* Can the schedule be made with this scheduler, number of steps and strength? */
static enum ltd_status try_plan(struct check *c, enum ltd_scheduler scheduler, int steps, double strength,
                                struct ltd_error *err)
{
    struct sampling_plan *plan = NULL;
    enum ltd_status st =
        sampling_plan_new(c->model->schedule, c->params->sampler, scheduler, steps, strength, &plan, err);

    if (st == LTD_OK)
        c->evaluations = sampling_plan_evaluations(plan);
    sampling_plan_free(plan);
    return st;
}

/* A plan can fail by one of four fields: the first whose mending mends it is the one to blame. */
static void check_plan(struct check *c)
{
    const struct ltd_gen_params *p = c->params;
    const double strength = p->init_image ? p->strength : 1.0;
    const char *field = "sampler";
    struct ltd_error err, ignored;

    if (try_plan(c, p->scheduler, p->steps, strength, &err) == LTD_OK)
        return;
    if (try_plan(c, p->scheduler, p->steps, 1.0, &ignored) == LTD_OK)
        field = "strength";
    else if (try_plan(c, LTD_SCHEDULER_MODEL, p->steps, strength, &ignored) == LTD_OK)
        field = "scheduler";
    else if (try_plan(c, p->scheduler, 10, 1.0, &ignored) == LTD_OK)
        field = "steps";
    find(c, false, field, "%s", err.message);
}

static bool is_id(int id, int count)
{
    return id >= 0 && id < count;
}

static void check_schedule(struct check *c)
{
    const struct ltd_gen_params *p = c->params;
    bool known = true;

    if (!is_id((int)p->sampler, LTD_SAMPLER_COUNT)) {
        find(c, false, "sampler", "is unknown");
        known = false;
    }
    if (!is_id((int)p->scheduler, LTD_SCHEDULER_COUNT)) {
        find(c, false, "scheduler", "is unknown");
        known = false;
    }
    if (p->steps < 1) {
        find(c, false, "steps", "must be at least 1");
        known = false;
    }
    if (p->init_image && !(p->strength > 0 && p->strength <= 1)) {
        find(c, false, "strength", "must be above 0 and at most 1");
        known = false;
    }
    if (known)
        check_plan(c);
    if (schedule_config_sampler(c->model->schedule) < 0 && p->sampler == c->model->recommended.sampler)
        find(c, true, "sampler", "this model names %s, which is not built; drawn with %s",
             c->model->info.scheduler_class, ltd_sampler_name(p->sampler));
}

static void check_rescale(struct check *c)
{
    const struct ltd_gen_params *p = c->params;

    if (!(p->cfg_rescale >= 0 && p->cfg_rescale <= 1))
        find(c, false, "cfg_rescale", "must be 0 to 1");
    else if (p->cfg_rescale > 0 && c->parts > 1)
        find(c, false, "cfg_rescale",
             "takes one prompt, and this one has %zu parts joined by AND; leave it at 0", c->parts);
    else if (p->cfg_rescale > 0 && c->parts == 1 && !c->guided)
        find(c, true, "cfg_rescale", "has nothing to take back: a cfg_scale of %g has no guidance",
             p->cfg_scale);
}

static void check_guidance(struct check *c)
{
    const struct ltd_gen_params *p = c->params;
    int first, end;

    if (!(p->cfg_scale >= 0 && p->cfg_scale <= 100))
        find(c, false, "cfg_scale", "must be 0 to 100");
    if (!(p->guidance_start >= 0 && p->guidance_start < 1)) {
        find(c, false, "guidance_start", "must be at least 0 and below 1");
    } else if (!(p->guidance_end > 0 && p->guidance_end <= 1)) {
        find(c, false, "guidance_end", "must be above 0 and at most 1");
    } else if (p->guidance_end <= p->guidance_start) {
        find(c, false, "guidance_end", "must be above guidance_start");
    } else if (c->evaluations > 0 && (p->guidance_start > 0 || p->guidance_end < 1)) {
        guidance_interval(p, c->guided, c->evaluations, &first, &end);
        if (!c->guided)
            find(
                c, true, "guidance_end",
                "guidance_start and guidance_end have nothing to bound: a cfg_scale of 1 and below has no guidance");
        else if (first == end)
            find(c, true, "guidance_end",
                 "no step has guidance: none of the %d lies between guidance_start and guidance_end",
                 c->evaluations);
    }
}

static void check_lora(struct check *c, const struct ltd_lora *asked)
{
    const struct lora *lora = asked->name ? loras_find(&c->model->loras, asked->name) : NULL;

    if (!asked->name)
        find(c, false, "loras", "must have a name");
    else if (!lora && c->model->loras.count == 0)
        find(c, false, "loras", "there is no LoRA \"%.80s\": this model has none", asked->name);
    else if (!lora)
        find(c, false, "loras", "there is no LoRA \"%.80s\"; this model has %zu, the first \"%.80s\"",
             asked->name, c->model->loras.count, c->model->loras.item[0].name);
    else if (lora->refused)
        find(c, false, "loras", "the LoRA \"%.80s\" cannot be used: %s", lora->name, lora->refused);
    if (!(fabs(asked->weight) <= LTD_MAX_LORA_WEIGHT) || !(fabs(asked->text_weight) <= LTD_MAX_LORA_WEIGHT))
        find(c, false, "loras", "weights must be -%g to %g", LTD_MAX_LORA_WEIGHT, LTD_MAX_LORA_WEIGHT);
}

static void check_loras(struct check *c)
{
    const struct ltd_gen_params *p = c->params;

    if (p->lora_count < 0 || p->lora_count > LTD_MAX_LORAS || (p->lora_count > 0 && !p->loras)) {
        find(c, false, "loras", "must be 0 to %d", LTD_MAX_LORAS);
        return;
    }
    for (int i = 0; i < p->lora_count; i++)
        check_lora(c, &p->loras[i]);
}

bool ltd_params_check(const struct ltd_model *model, const struct ltd_gen_params *params,
                      ltd_finding_fn *found, void *arg)
{
    struct check c = {model, params, found, arg, .good = true};

    check_prompt(&c, CONDITIONING_PROMPT);
    check_prompt(&c, CONDITIONING_NEGATIVE);
    check_side(&c, "width", params->width, model->info.native_width);
    check_side(&c, "height", params->height, model->info.native_height);
    check_schedule(&c);
    check_guidance(&c);
    check_rescale(&c);
    check_loras(&c);
    if (params->deepcache_interval < 1)
        find(&c, false, "deepcache_interval", "must be at least 1");
    if (params->count < 1)
        find(&c, false, "count", "must be at least 1");
    else if (params->seed > UINT64_MAX - (uint64_t)(params->count - 1))
        find(&c, false, "seed", "image %d of this request would have a seed above 18446744073709551615",
             params->count - 1);
    if (params->clip_skip < 0 || params->clip_skip >= model->info.text_layers)
        find(&c, false, "clip_skip", "must be 0 to %d: the text encoder has %d layers",
             model->info.text_layers - 1, model->info.text_layers);
    if (params->init_image &&
        (params->init_image->width != params->width || params->init_image->height != params->height))
        find(&c, false, "image", "is %d x %d pixels, not the %d x %d of the request",
             params->init_image->width, params->init_image->height, params->width, params->height);
    if (!is_id((int)params->profile, LTD_PROFILE_COUNT))
        find(&c, false, "profile", "is unknown");
    if (!is_id((int)params->numerics, LTD_NUMERICS_COUNT))
        find(&c, false, "numerics", "is unknown");
    return c.good;
}

void params_keep_first(void *arg, bool warning, const char *field, const char *message)
{
    struct ltd_error *err = arg;

    if (!warning && err && err->status == LTD_OK)
        ltd_fail(err, LTD_EINVAL, "%s: %s", field, message);
}
