/* params_check_adapters.c - are a request's LoRAs and ControlNets ones that this model has? */
#include <math.h>

#include "pipeline/params_checks.h"

static void check_lora(struct params_check *c, const struct ltd_lora *asked)
{
    const struct lora *lora = asked->name ? loras_find(&c->model->loras, asked->name) : NULL;

    if (!asked->name)
        params_find(c, false, "loras", "must have a name");
    else if (!lora && c->model->loras.count == 0)
        params_find(c, false, "loras", "there is no LoRA \"%.80s\": this model has none", asked->name);
    else if (!lora)
        params_find(c, false, "loras", "there is no LoRA \"%.80s\"; this model has %zu, the first \"%.80s\"",
                    asked->name, c->model->loras.count, c->model->loras.item[0].name);
    else if (lora->refused)
        params_find(c, false, "loras", "the LoRA \"%.80s\" cannot be used: %s", lora->name, lora->refused);
    if (!(fabs(asked->weight) <= LTD_MAX_LORA_WEIGHT) || !(fabs(asked->text_weight) <= LTD_MAX_LORA_WEIGHT))
        params_find(c, false, "loras", "weights must be -%g to %g", LTD_MAX_LORA_WEIGHT, LTD_MAX_LORA_WEIGHT);
}

void params_check_loras(struct params_check *c)
{
    const struct ltd_gen_params *p = c->params;

    if (p->lora_count < 0 || p->lora_count > LTD_MAX_LORAS || (p->lora_count > 0 && !p->loras)) {
        params_find(c, false, "loras", "must be 0 to %d", LTD_MAX_LORAS);
        return;
    }
    for (int i = 0; i < p->lora_count; i++)
        check_lora(c, &p->loras[i]);
}

static void check_control_image(struct params_check *c, const struct ltd_control *asked)
{
    const double width = asked->image->width, height = asked->image->height;
    const double across = c->params->width / width, down = c->params->height / height;

    if (!params_is_id((int)asked->fit, LTD_CONTROL_FIT_COUNT))
        params_find(c, false, "controls", "the way to resize is unknown");
    else if (asked->fit == LTD_CONTROL_CROP &&
             fmax(across, down) > LTD_MAX_CONTROL_ASPECT * fmin(across, down))
        params_find(
            c, false, "controls",
            "a picture of %g x %g pixels has an aspect of more than %g times %d x %d, to which it is to be "
            "cropped",
            width, height, LTD_MAX_CONTROL_ASPECT, c->params->width, c->params->height);
    else if (asked->fit == LTD_CONTROL_STRETCH && (across != 1 || down != 1))
        params_find(c, true, "controls", "a picture of %g x %g pixels was resized to %d x %d", width, height,
                    c->params->width, c->params->height);
}

static void check_control(struct params_check *c, const struct ltd_control *asked)
{
    const struct control_nets *nets = &c->model->control_nets;
    const struct control_item *item = asked->model ? control_nets_find(nets, asked->model) : NULL;

    if (!asked->model)
        params_find(c, false, "controls", "must have a model");
    else if (!item && nets->count == 0)
        params_find(c, false, "controls", "there is no ControlNet \"%.80s\": this model has none",
                    asked->model);
    else if (!item)
        params_find(c, false, "controls",
                    "there is no ControlNet \"%.80s\"; this model has %zu, the first \"%.80s\"", asked->model,
                    nets->count, nets->item[0].name);
    else if (item->refused)
        params_find(c, false, "controls", "the ControlNet \"%.80s\" cannot be used: %s", item->name,
                    item->refused);
    if (!asked->image)
        params_find(c, false, "controls", "must have an image");
    else
        check_control_image(c, asked);
    if (!(fabs(asked->weight) <= LTD_MAX_CONTROL_WEIGHT))
        params_find(c, false, "controls", "weights must be -%g to %g", LTD_MAX_CONTROL_WEIGHT,
                    LTD_MAX_CONTROL_WEIGHT);
    if (!(asked->start >= 0 && asked->start < asked->end && asked->end <= 1))
        params_find(c, false, "controls", "must start at 0 or later and end behind it, at most at 1");
    if (!params_is_id((int)asked->preprocessor, LTD_PREPROCESSOR_COUNT))
        params_find(c, false, "controls", "the preprocessor is unknown");
    if (asked->low_threshold < 0 || asked->low_threshold > asked->high_threshold ||
        asked->high_threshold > LTD_MAX_CONTROL_THRESHOLD)
        params_find(c, false, "controls",
                    "thresholds must be 0 to %d, and the low one not above the high one",
                    LTD_MAX_CONTROL_THRESHOLD);
}

void params_check_controls(struct params_check *c)
{
    const struct ltd_gen_params *p = c->params;

    if (p->control_count < 0 || p->control_count > LTD_MAX_CONTROLS ||
        (p->control_count > 0 && !p->controls)) {
        params_find(c, false, "controls", "must be 0 to %d", LTD_MAX_CONTROLS);
        return;
    }
    for (int i = 0; i < p->control_count; i++)
        check_control(c, &p->controls[i]);
    if (p->control_count > 0 && p->deepcache_interval > 1)
        params_find(c, false, "deepcache_interval",
                    "must be 1 with controls, which change what it would keep");
    if (p->control_count > 0 && p->mask && p->inpaint_full_res)
        params_find(c, false, "inpaint_full_res",
                    "does not go with controls, whose pictures are of the whole");
}
