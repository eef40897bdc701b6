#include "pipeline/adapted_model.h"

#include <stdlib.h>
#include <string.h>

#include "nn/lora.h"
#include "pipeline/prompt_memory.h"

struct adapted_model {
    struct ltd_model
        model; /* all but the networks that are changed, and the memory of prompts, is the base's */
    struct weight_overlay overlay[LORA_NETWORKS];
};

/* Which adapters, and how strong: a key without padding. */
struct adapter_key {
    uint64_t item;
    double weight, text_weight;
};

struct making {
    const struct ltd_model *base;
    const struct ltd_gen_params *params;
    struct pool *pool;
    const atomic_bool *cancel;
};

static double strength_of(const struct ltd_lora *asked, enum lora_network network)
{
    return network == LORA_UNET ? asked->weight : asked->text_weight;
}

/* Adds one layer's change, or only counts what that takes. */
static enum ltd_status add_layer(struct adapted_model *a, struct exec *e, const struct lora_layer *layer,
                                 double strength, struct ltd_error *err)
{
    struct weight_overlay *overlay = &a->overlay[layer->network];
    const struct lora_module *m = layer->module;
    float *values = NULL, *bias = NULL;

    if (!exec_is_dry(e)) {
        values = lora_changes_weight(m) ? weight_overlay_values(overlay, layer->weight) : NULL;
        bias = m->part[LORA_DIFF_BIAS] ? weight_overlay_values(overlay, layer->bias) : NULL;
        if ((lora_changes_weight(m) && !values) || (m->part[LORA_DIFF_BIAS] && !bias))
            return ltd_fail(err, LTD_ENOMEM, "no memory for the changed weights");
    }
    if (lora_changes_weight(m))
        lora_add(m, e, values, layer->weight, strength);
    if (bias)
        lora_add_bias(m, bias, strength);
    return exec_is_canceled(e) ? ltd_fail(err, LTD_ECANCELED, "canceled") : LTD_OK;
}

static enum ltd_status add_layers(struct adapted_model *a, struct exec *e, const struct lora_layer *layers,
                                  size_t count, const struct ltd_lora *asked, struct ltd_error *err)
{
    enum ltd_status st = LTD_OK;

    for (size_t i = 0; i < count && st == LTD_OK; i++)
        if (strength_of(asked, layers[i].network) != 0)
            st = add_layer(a, e, &layers[i], strength_of(asked, layers[i].network), err);
    return st;
}

/* Run dry first, as a generation is. */
static enum ltd_status run_layers(const struct making *m, struct adapted_model *a,
                                  const struct lora_layer *layers, size_t count, const struct ltd_lora *asked,
                                  struct ltd_error *err)
{
    const size_t threads = (size_t)pool_threads(m->pool);
    struct arena arena, lanes;
    struct exec e = {.arena = &arena, .cancel = m->cancel};
    size_t lane_bytes, bytes = 0;
    enum ltd_status st;

    arena_init_dry(&arena);
    st = add_layers(a, &e, layers, count, asked, err);
    lane_bytes = e.lane_bytes;
    arena_init_dry(&lanes);
    arena_alloc(&lanes, threads, lane_bytes);
    if (st == LTD_OK &&
        (arena.overflow || lanes.overflow || __builtin_add_overflow(arena.peak, lanes.peak, &bytes)))
        st = ltd_fail(err, LTD_ETOOBIG, "its layers do not fit into memory");
    if (st == LTD_OK) {
        arena = (struct arena){0};
        st = arena_reserve(&arena, bytes, err);
    }
    if (st != LTD_OK)
        return st;
    e = (struct exec){.arena = &arena, .pool = m->pool, .cancel = m->cancel};
    exec_set_lanes(&e, arena_alloc(&arena, threads, lane_bytes), lane_bytes);
    st = add_layers(a, &e, layers, count, asked, err);
    arena_fini(&arena);
    return st;
}

static enum ltd_status add_lora(const struct making *m, struct adapted_model *a, const struct ltd_lora *asked,
                                struct ltd_error *err)
{
    const struct loras *loras = &m->base->loras;
    struct lora_layer *layers = NULL;
    struct lora_file *file = NULL;
    enum ltd_status st = lora_file_open(loras_find(loras, asked->name)->path, &file, err);

    if (st != LTD_OK)
        return st;
    layers = calloc(lora_file_count(file), sizeof *layers);
    st = layers ? loras_match(loras, file, layers, err) : ltd_fail(err, LTD_ENOMEM, "no memory for a LoRA");
    if (st == LTD_OK)
        st = run_layers(m, a, layers, lora_file_count(file), asked, err);
    free(layers);
    lora_file_close(file);
    return st;
}

static bool is_changed(const struct adapted_model *a, enum lora_network network)
{
    return a->overlay[network].count > 0;
}

static bool text_is_changed(const struct adapted_model *a)
{
    return is_changed(a, LORA_TEXT_ENCODER) || is_changed(a, LORA_TEXT_ENCODER_2);
}

/* Binds the changed networks; a text encoder that is changed has a memory of prompts of its own. */
static enum ltd_status bind(struct adapted_model *a, const struct ltd_model *base, struct ltd_error *err)
{
    const bool unet = is_changed(a, LORA_UNET), text = is_changed(a, LORA_TEXT_ENCODER),
               text_2 = is_changed(a, LORA_TEXT_ENCODER_2);
    enum ltd_status st = LTD_OK;

    a->model = *base;
    a->model.unet = unet ? NULL : base->unet;
    a->model.text = text ? NULL : base->text;
    a->model.text_2 = text_2 ? NULL : base->text_2;
    a->model.prompts = text_is_changed(a) ? NULL : base->prompts;
    if (unet)
        st = unet_adapt(base->unet, &a->overlay[LORA_UNET], &a->model.unet, err);
    if (st == LTD_OK && text)
        st = clip_text_adapt(base->text, &a->overlay[LORA_TEXT_ENCODER], &a->model.text, err);
    if (st == LTD_OK && text_2)
        st = clip_text_adapt(base->text_2, &a->overlay[LORA_TEXT_ENCODER_2], &a->model.text_2, err);
    if (st == LTD_OK && text_is_changed(a))
        st = value_cache_new(PROMPT_MEMORY_BYTES, &a->model.prompts, err);
    return st;
}

static enum ltd_status make(void *arg, void **out, struct ltd_error *err)
{
    const struct making *m = arg;
    struct adapted_model *a = calloc(1, sizeof *a);
    enum ltd_status st = LTD_OK;

    if (!a)
        return ltd_fail(err, LTD_ENOMEM, "no memory for a LoRA");
    for (int i = 0; i < m->params->lora_count && st == LTD_OK; i++) {
        struct ltd_error why;

        st = add_lora(m, a, &m->params->loras[i], &why);
        if (st != LTD_OK)
            ltd_fail(err, st, "LoRA \"%.80s\": %s", m->params->loras[i].name, why.message);
    }
    if (st == LTD_OK) {
        struct ltd_error why;

        st = bind(a, m->base, &why);
        if (st != LTD_OK)
            ltd_fail(err, st, "with LoRA \"%.80s\"%s: %s", m->params->loras[0].name,
                     m->params->lora_count > 1 ? " and others" : "", why.message);
    }
    if (st == LTD_OK)
        *out = a;
    else
        adapted_model_free(a);
    return st;
}

void adapted_model_free(void *adapted)
{
    struct adapted_model *a = adapted;

    if (is_changed(a, LORA_UNET))
        unet_close(a->model.unet);
    if (is_changed(a, LORA_TEXT_ENCODER))
        clip_text_close(a->model.text);
    if (is_changed(a, LORA_TEXT_ENCODER_2))
        clip_text_close(a->model.text_2);
    if (text_is_changed(a))
        value_cache_free(a->model.prompts);
    for (int i = 0; i < LORA_NETWORKS; i++)
        weight_overlay_fini(&a->overlay[i]);
    free(a);
}

enum ltd_status adapted_model_take(const struct ltd_model *model, const struct ltd_gen_params *params,
                                   struct pool *pool, const atomic_bool *cancel, const struct ltd_model **out,
                                   struct ltd_error *err)
{
    struct making m = {model, params, pool, cancel};
    struct adapter_key key[LTD_MAX_LORAS];
    const size_t count = (size_t)params->lora_count;
    void *adapted = NULL;
    enum ltd_status st;

    if (count == 0) {
        *out = model;
        return LTD_OK;
    }
    for (size_t i = 0; i < count; i++) {
        const struct ltd_lora *asked = &params->loras[i];

        key[i] = (struct adapter_key){(uint64_t)(loras_find(&model->loras, asked->name) - model->loras.item),
                                      asked->weight, asked->text_weight};
    }
    st = lease_cache_take(model->adapted, key, count * sizeof *key, make, &m, &adapted, err);
    if (st == LTD_OK)
        *out = &((struct adapted_model *)adapted)->model;
    return st;
}

void adapted_model_release(const struct ltd_model *model, const struct ltd_model *taken)
{
    /* The model is the first member of what is leased. */
    if (taken && taken != model)
        lease_cache_release(model->adapted, (void *)(uintptr_t)taken);
}
