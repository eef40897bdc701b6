#include "text/clip_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config_reader.h"
#include "base/heap_list.h"
#include "kernels/attention.h"
#include "kernels/elementwise.h"
#include "kernels/vector_ops.h"
#include "nn/layers.h"

struct clip_layer {
    struct layer_norm norm1, norm2;
    struct linear q, k, v, out, fc1, fc2;
};

struct clip_text {
    struct clip_text_config config;
    enum activation activation;
    struct weight_set *weights;
    const struct weight_overlay *overlay; /* not NULL: it stands in place of some weights, and these and extra
                                             are another encoder's */
    struct heap_list memory;
    struct matrix token_embedding;    /* [vocab, channels] */
    struct matrix position_embedding; /* [positions, channels] */
    struct clip_layer *layers;        /* [config.layers] */
    struct layer_norm final_norm;
    struct linear projection; /* where config.pooled_channels > 0 */
    double eps;
    float *extra; /* [extra_count, channels]: what the ids from config.vocab on stand for */
    size_t extra_count;
};

static enum ltd_status parse_config(struct clip_text *t, const struct ltd_json *json, const char *file,
                                    struct ltd_error *err)
{
    struct config_reader r = {.json = json, .file = file, .err = err};
    const char *activation;

    t->config = (struct clip_text_config){
        .vocab = config_size(&r, "vocab_size", 49408, 1, 1 << 24),
        .positions = config_size(&r, "max_position_embeddings", 77, 3, 1 << 16),
        .channels = config_size(&r, "hidden_size", 512, 1, 1 << 16),
        .mlp_channels = config_size(&r, "intermediate_size", 2048, 1, 1 << 18),
        .heads = config_size(&r, "num_attention_heads", 8, 1, 1 << 10),
        .layers = config_size(&r, "num_hidden_layers", 12, 1, 1 << 10),
        .pooled_channels = config_size(&r, "projection_dim", 512, 1, 1 << 16),
    };
    t->eps = config_real(&r, "layer_norm_eps", 1e-5, 0, 1);
    activation = config_text(&r, "hidden_act", "quick_gelu");
    if (strcmp(activation, "quick_gelu") == 0)
        t->activation = ACTIVATION_QUICK_GELU;
    else if (strcmp(activation, "gelu") == 0)
        t->activation = ACTIVATION_GELU;
    else
        config_fail(&r, LTD_EUNSUPPORTED, "hidden_act \"%s\" is not supported", activation);
    if (t->config.channels % t->config.heads != 0)
        config_fail(&r, LTD_EFORMAT, "hidden_size %zu cannot be split into %zu heads", t->config.channels,
                    t->config.heads);
    return r.status;
}

static enum ltd_status read_config(struct clip_text *t, const char *dir, struct ltd_error *err)
{
    struct ltd_json *json = NULL;
    char path[4096];
    enum ltd_status st;

    snprintf(path, sizeof path, "%s/config.json", dir);
    st = config_read_file(path, CONFIG_MAX_BYTES, &json, err);
    if (st == LTD_OK)
        st = parse_config(t, json, path, err);
    ltd_json_free(json);
    return st;
}

static void layer_bind(struct clip_layer *l, struct binder *b, const struct clip_text *t)
{
    const size_t c = t->config.channels, wide = t->config.mlp_channels;

    layer_norm_bind(&l->norm1, b, "layer_norm1", c, t->eps);
    linear_bind(&l->q, b, "self_attn.q_proj", c, c, WITH_BIAS);
    linear_bind(&l->k, b, "self_attn.k_proj", c, c, WITH_BIAS);
    linear_bind(&l->v, b, "self_attn.v_proj", c, c, WITH_BIAS);
    linear_bind(&l->out, b, "self_attn.out_proj", c, c, WITH_BIAS);
    layer_norm_bind(&l->norm2, b, "layer_norm2", c, t->eps);
    linear_bind(&l->fc1, b, "mlp.fc1", c, wide, WITH_BIAS);
    linear_bind(&l->fc2, b, "mlp.fc2", wide, c, WITH_BIAS);
}

static enum ltd_status bind(struct clip_text *t, enum bind_use use, struct bind_report *report,
                            struct ltd_error *err)
{
    struct clip_text_config *c = &t->config;
    struct binder b;
    enum ltd_status st = binder_init(&b, "text_encoder", t->weights, &t->memory, report, err);

    if (st != LTD_OK)
        return st;
    b.overlay = t->overlay;
    b.use = use;
    if (binder_has(&b, "text_projection.weight"))
        linear_bind(&t->projection, &b, "text_projection", c->channels, c->pooled_channels, WITHOUT_BIAS);
    else if (binder_has(&b, "text_projection")) /* OpenCLIP's */
        t->projection.weight = binder_transposed(&b, "text_projection", c->pooled_channels, c->channels);
    else
        c->pooled_channels = 0;
    /* Newer releases of transformers leave the outer name away. */
    if (binder_has(&b, "text_model.final_layer_norm.weight"))
        binder_enter(&b, "text_model");
    t->token_embedding = binder_matrix(&b, "embeddings.token_embedding.weight", c->vocab, c->channels);
    t->position_embedding =
        binder_matrix(&b, "embeddings.position_embedding.weight", c->positions, c->channels);
    t->layers = binder_array(&b, c->layers, sizeof *t->layers);
    for (size_t i = 0; i < c->layers && t->layers; i++) {
        const size_t mark = binder_enter(&b, "encoder.layers.%zu", i);

        layer_bind(&t->layers[i], &b, t);
        binder_leave(&b, mark);
    }
    layer_norm_bind(&t->final_norm, &b, "final_layer_norm", c->channels, t->eps);
    st = binder_finish(&b);
    if (st == LTD_OK && use == BIND_SHAPES)
        weight_set_close_files(t->weights);
    return st;
}

enum ltd_status clip_text_open(const char *dir, enum bind_use use, struct bind_report *report,
                               struct clip_text **out, struct ltd_error *err)
{
    struct clip_text *t = calloc(1, sizeof *t);
    enum ltd_status st;

    if (!t)
        return ltd_fail(err, LTD_ENOMEM, "no memory for the text encoder");
    st = read_config(t, dir, err);
    if (st == LTD_OK)
        st = weight_set_open(dir, "model", &t->weights, err);
    if (st == LTD_OK)
        st = bind(t, use, report, err);
    if (st == LTD_OK && !report)
        *out = t;
    else
        clip_text_close(t);
    return st;
}

enum ltd_status clip_text_open_set(const struct ltd_json *config, const char *file,
                                   struct weight_set *weights, enum bind_use use, struct clip_text **out,
                                   struct ltd_error *err)
{
    struct clip_text *t = calloc(1, sizeof *t);
    enum ltd_status st;

    if (!t) {
        weight_set_close(weights);
        return ltd_fail(err, LTD_ENOMEM, "no memory for the text encoder");
    }
    t->weights = weights;
    st = parse_config(t, config, file, err);
    if (st == LTD_OK)
        st = bind(t, use, NULL, err);
    if (st == LTD_OK)
        *out = t;
    else
        clip_text_close(t);
    return st;
}

enum ltd_status clip_text_adapt(const struct clip_text *base, const struct weight_overlay *overlay,
                                struct clip_text **out, struct ltd_error *err)
{
    struct clip_text *t = calloc(1, sizeof *t);
    enum ltd_status st;

    if (!t)
        return ltd_fail(err, LTD_ENOMEM, "no memory for the text encoder");
    *t = *base;
    t->memory = (struct heap_list){0};
    t->overlay = overlay;
    st = bind(t, BIND_RUN, NULL, err);
    if (st == LTD_OK)
        *out = t;
    else
        clip_text_close(t);
    return st;
}

void clip_text_close(struct clip_text *t)
{
    if (!t)
        return;
    heap_list_fini(&t->memory);
    if (!t->overlay) {
        weight_set_close(t->weights);
        free(t->extra);
    }
    free(t);
}

enum ltd_status clip_text_extend(struct clip_text *t, const float *vectors, size_t count, int32_t *first,
                                 struct ltd_error *err)
{
    const size_t channels = t->config.channels;
    float *extra = realloc(t->extra, ((t->extra_count + count) * channels + 1) * sizeof *extra);

    if (!extra)
        return ltd_fail(err, LTD_ENOMEM, "no memory for embeddings");
    memcpy(extra + t->extra_count * channels, vectors, count * channels * sizeof *extra);
    t->extra = extra;
    *first = (int32_t)(t->config.vocab + t->extra_count);
    t->extra_count += count;
    return LTD_OK;
}

const struct clip_text_config *clip_text_config(const struct clip_text *t)
{
    return &t->config;
}

const struct weight_set *clip_text_weights(const struct clip_text *t)
{
    return t->weights;
}

struct embed_job {
    const struct clip_text *text;
    const int32_t *ids;
    struct tensor y;
};

/* y[row] = token_embedding[id] + position_embedding[row % tokens] */
static void embed_tile(void *arg, size_t row, void *scratch)
{
    const struct embed_job *j = arg;
    const size_t c = j->y.c, id = (size_t)j->ids[row], vocab = j->text->config.vocab;
    size_t stride;
    float *y = j->y.data + row * c;
    const float *token = id < vocab ? matrix_block(&j->text->token_embedding, id, 1, 0, c, scratch, &stride)
                                    : j->text->extra + (id - vocab) * c;

    memcpy(y, token, c * sizeof *y);
    vector_ops()->add_to(
        y, matrix_block(&j->text->position_embedding, row % j->y.h, 1, 0, c, scratch, &stride), c);
}

static void embed(const struct clip_text *t, struct exec *e, struct tensor y, const int32_t *ids)
{
    struct embed_job j = {t, ids, y};

    exec_tiles(e, LTD_OPERATOR_OTHER, tensor_rows(y), y.c * sizeof(float), embed_tile, &j);
}

/* h += out(attention(q(n), k(n), v(n))) */
static void self_attend(const struct clip_text *t, const struct clip_layer *l, struct exec *e,
                        struct tensor h, struct tensor n)
{
    const size_t mark = exec_mark(e);
    struct tensor q = exec_like(e, n), k = exec_like(e, n), v = exec_like(e, n), a = exec_like(e, n);

    linear_forward(&l->q, e, q, n);
    linear_forward(&l->k, e, k, n);
    linear_forward(&l->v, e, v, n);
    attention(e, a, q, k, v, t->config.heads, 1.0 / sqrt((double)(h.c / t->config.heads)), true);
    linear_forward_add(&l->out, e, h, a);
    exec_rewind(e, mark);
}

/* h += self_attn(layer_norm1(h)); h += fc2(act(fc1(layer_norm2(h)))) */
static void layer_forward(const struct clip_text *t, const struct clip_layer *l, struct exec *e,
                          struct tensor h)
{
    const size_t mark = exec_mark(e);
    struct tensor n = exec_like(e, h); /* [n, tokens, c] */
    struct tensor wide = exec_tensor(e, h.n, h.h, h.w, t->config.mlp_channels);

    layer_norm(e, n, h, &l->norm1);
    self_attend(t, l, e, h, n);
    layer_norm(e, n, h, &l->norm2);
    linear_forward(&l->fc1, e, wide, n);
    activate(e, wide, wide, t->activation);
    linear_forward_add(&l->fc2, e, h, wide);
    exec_rewind(e, mark);
}

static void layers_forward(const struct clip_text *t, struct exec *e, struct tensor h, size_t first,
                           size_t end)
{
    for (size_t i = first; i < end; i++)
        layer_forward(t, &t->layers[i], e, h);
}

void clip_text_forward(const struct clip_text *t, struct exec *e, struct tensor y, const int32_t *ids,
                       size_t skip)
{
    exec_stage(e, "text", -1);
    embed(t, e, y, ids);
    layers_forward(t, e, y, 0, t->config.layers - skip);
    layer_norm(e, y, y, &t->final_norm);
}

/* The first mark of a text; its last token when there is none. */
static size_t find_end(const int32_t *ids, size_t tokens, int32_t end)
{
    size_t at = 0;

    while (at + 1 < tokens && ids[at] != end)
        at++;
    return at;
}

/* pooled = projection(final_norm(h at the end marks)) */
static void pool(const struct clip_text *t, struct exec *e, struct tensor pooled, struct tensor h,
                 const int32_t *ids, int32_t end)
{
    const size_t mark = exec_mark(e);
    struct tensor x = exec_tensor(e, h.n, 1, 1, h.c);

    for (size_t i = 0; i < h.n && !exec_is_dry(e); i++)
        memcpy(x.data + i * h.c, h.data + (i * h.h + find_end(ids + i * h.h, h.h, end)) * h.c,
               h.c * sizeof *x.data);
    layer_norm(e, x, x, &t->final_norm);
    linear_forward(&t->projection, e, pooled, x);
    exec_rewind(e, mark);
}

void clip_text_hidden(const struct clip_text *t, struct exec *e, struct tensor y, struct tensor pooled,
                      const int32_t *ids, size_t skip, int32_t end)
{
    const size_t mark = exec_mark(e), layers = t->config.layers;

    exec_stage(e, "text", -1);
    embed(t, e, y, ids);
    layers_forward(t, e, y, 0, layers - skip);
    if (pooled.c > 0) {
        struct tensor h = exec_like(e, y);

        copy_tensor(e, h, y);
        layers_forward(t, e, h, layers - skip, layers);
        pool(t, e, pooled, h, ids, end);
    }
    exec_rewind(e, mark);
}

void clip_text_keys(const struct clip_text *t, struct exec *e, struct tensor y, const int32_t *ids,
                    size_t layer)
{
    const size_t mark = exec_mark(e);
    struct tensor h = exec_like(e, y);

    embed(t, e, h, ids);
    for (size_t i = 0; i < layer; i++)
        layer_forward(t, &t->layers[i], e, h);
    layer_norm(e, h, h, &t->layers[layer].norm1);
    linear_forward(&t->layers[layer].k, e, y, h);
    exec_rewind(e, mark);
}
