#include "pipeline/single_file.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "weights/compvis.h"

#define UNET    "model.diffusion_model."
#define VAE     "first_stage_model."
#define TEXT    "cond_stage_model.transformer.text_model."
#define NO_TEXT "cond_stage_model.transformer."

#define UNET_HEADS         8
#define TEXT_HEAD_CHANNELS 64
#define SAMPLE_SIDE        512

/* One file while it is opened. */
struct opening {
    struct ltd_model *model;
    const char *path;
    struct compvis_layout layout;
    struct ltd_error *err;
    enum ltd_status status;
};

/* Size `dim` of a tensor with this many dimensions; 0 after an error. */
static size_t size_of(struct opening *o, const char *name, int rank, int dim)
{
    const struct weight *w = weight_set_find(o->model->file, name);

    if (o->status != LTD_OK)
        return 0;
    if (!w)
        o->status = ltd_fail(o->err, LTD_EFORMAT, "%s: tensor \"%s\" is missing", o->path, name);
    else if (w->rank != rank)
        o->status = ltd_fail(o->err, LTD_EFORMAT, "%s: tensor \"%s\": it has %d dimensions, not %d", o->path,
                             name, w->rank, rank);
    return o->status == LTD_OK ? w->dim[dim] : 0;
}

static void add_size(struct ltd_json *config, const char *key, size_t size)
{
    ltd_json_add(config, key, ltd_json_new_uint64(size));
}

static void append_text(struct ltd_json *list, const char *text)
{
    ltd_json_append(list, ltd_json_new_string(text));
}

/* Has a block of the U-Net a transformer? */
static bool attends(const struct opening *o, const char *blocks, size_t block)
{
    char name[128];

    snprintf(name, sizeof name, UNET "%s.%zu.1.proj_in.weight", blocks, block);
    return weight_set_find(o->model->file, name) != NULL;
}

static struct ltd_json *unet_config_of(struct opening *o)
{
    struct ltd_json *c = ltd_json_new_object(), *channels = ltd_json_new_array();
    struct ltd_json *down = ltd_json_new_array(), *up = ltd_json_new_array();
    const size_t levels = o->layout.unet_levels, stride = o->layout.unet_layers + 1;

    add_size(c, "in_channels", size_of(o, UNET "input_blocks.0.0.weight", 4, 1));
    add_size(c, "out_channels", size_of(o, UNET "out.2.weight", 4, 0));
    add_size(c, "cross_attention_dim",
             size_of(o, UNET "middle_block.1.transformer_blocks.0.attn2.to_k.weight", 2, 1));
    add_size(c, "layers_per_block", o->layout.unet_layers);
    add_size(c, "attention_head_dim", UNET_HEADS);
    for (size_t i = 0; i < levels; i++) {
        char name[128];

        snprintf(name, sizeof name, UNET "input_blocks.%zu.0.out_layers.3.weight", 1 + i * stride);
        ltd_json_append(channels, ltd_json_new_uint64(size_of(o, name, 4, 0)));
        append_text(down,
                    attends(o, "input_blocks", 1 + i * stride) ? "CrossAttnDownBlock2D" : "DownBlock2D");
        append_text(up, attends(o, "output_blocks", i * stride) ? "CrossAttnUpBlock2D" : "UpBlock2D");
    }
    ltd_json_add(c, "block_out_channels", channels);
    ltd_json_add(c, "down_block_types", down);
    ltd_json_add(c, "up_block_types", up);
    return c;
}

static struct ltd_json *vae_config_of(struct opening *o)
{
    struct ltd_json *c = ltd_json_new_object(), *channels = ltd_json_new_array();
    struct ltd_json *down = ltd_json_new_array(), *up = ltd_json_new_array();

    add_size(c, "latent_channels", size_of(o, VAE "decoder.conv_in.weight", 4, 1));
    add_size(c, "layers_per_block", o->layout.vae_layers);
    add_size(c, "sample_size", SAMPLE_SIDE);
    for (size_t i = 0; i < o->layout.vae_levels; i++) {
        char name[128];

        snprintf(name, sizeof name, VAE "encoder.down.%zu.block.0.conv2.weight", i);
        ltd_json_append(channels, ltd_json_new_uint64(size_of(o, name, 4, 0)));
        append_text(down, "DownEncoderBlock2D");
        append_text(up, "UpDecoderBlock2D");
    }
    ltd_json_add(c, "block_out_channels", channels);
    ltd_json_add(c, "down_block_types", down);
    ltd_json_add(c, "up_block_types", up);
    return c;
}

static struct ltd_json *text_config_of(struct opening *o)
{
    /* Newer releases of transformers leave the outer name away. */
    const char *prefix = weight_set_find(o->model->file, NO_TEXT "final_layer_norm.weight") ? NO_TEXT : TEXT;
    struct ltd_json *c = ltd_json_new_object();
    char token[128], position[128], wide[128];
    size_t channels, layers = 0;

    snprintf(token, sizeof token, "%sembeddings.token_embedding.weight", prefix);
    snprintf(position, sizeof position, "%sembeddings.position_embedding.weight", prefix);
    snprintf(wide, sizeof wide, "%sencoder.layers.0.mlp.fc1.weight", prefix);
    channels = size_of(o, token, 2, 1);
    add_size(c, "vocab_size", size_of(o, token, 2, 0));
    add_size(c, "max_position_embeddings", size_of(o, position, 2, 0));
    add_size(c, "hidden_size", channels);
    add_size(c, "intermediate_size", size_of(o, wide, 2, 0));
    if (o->status == LTD_OK && channels % TEXT_HEAD_CHANNELS != 0)
        o->status = ltd_fail(o->err, LTD_EUNSUPPORTED,
                             "%s: tensor \"%s\": %zu channels cannot be split into heads of %d", o->path,
                             token, channels, TEXT_HEAD_CHANNELS);
    add_size(c, "num_attention_heads", channels / TEXT_HEAD_CHANNELS);
    for (bool found = true; found; layers += found) {
        char name[128];

        snprintf(name, sizeof name, "%sencoder.layers.%zu.layer_norm1.weight", prefix, layers);
        found = weight_set_find(o->model->file, name) != NULL;
    }
    add_size(c, "num_hidden_layers", layers);
    return c;
}

/* The view of one part; NULL after an error. */
static struct weight_set *view(struct opening *o, weight_name_fn *rename)
{
    struct weight_set *set = NULL;

    if (o->status == LTD_OK)
        o->status = weight_set_view(o->model->file, o->path, rename, &o->layout, &set, o->err);
    return set;
}

static void open_parts(struct opening *o)
{
    struct ltd_json *text = text_config_of(o), *vae = vae_config_of(o), *unet = unet_config_of(o);
    struct weight_set *set;

    if ((set = view(o, compvis_text_name)))
        o->status = clip_text_open_set(text, o->path, set, &o->model->text, o->err);
    if ((set = view(o, compvis_vae_name)))
        o->status = vae_open_set(vae, o->path, set, &o->model->vae, o->err);
    if ((set = view(o, compvis_unet_name)))
        o->status = unet_open_set(unet, o->path, set, &o->model->unet, o->err);
    ltd_json_free(text);
    ltd_json_free(vae);
    ltd_json_free(unet);
}

/* What diffusers gives a file that says nothing of its scheduler. */
static void make_schedule(struct opening *o)
{
    static const char common[] = "{\"_class_name\":\"PNDMScheduler\",\"num_train_timesteps\":1000,"
                                 "\"beta_start\":0.00085,\"beta_end\":0.012,"
                                 "\"beta_schedule\":\"scaled_linear\",\"set_alpha_to_one\":false,"
                                 "\"skip_prk_steps\":true,\"steps_offset\":1,\"prediction_type\":\"%s\"}";
    const char *told = weight_set_prediction(o->model->file);
    const bool v = told ? strcmp(told, "epsilon") != 0 : weight_set_find(o->model->file, "v_pred") != NULL;
    struct ltd_json *json = NULL;
    char text[sizeof common + 16];

    if (told && v && strcmp(told, "v") != 0 && strcmp(told, "v_prediction") != 0) {
        o->status = ltd_fail(o->err, LTD_EUNSUPPORTED,
                             "%s: modelspec.prediction_type \"%.80s\" is not supported (known: epsilon, v)",
                             o->path, told);
        return;
    }
    snprintf(text, sizeof text, common, v ? "v_prediction" : "epsilon");
    o->status = ltd_json_parse(text, strlen(text), &ltd_json_file_limits, &json, o->err);
    if (o->status == LTD_OK)
        o->status = schedule_config_read(json, &o->model->schedule, o->err);
    if (o->status == LTD_OK)
        schedule_config_correct(o->model->schedule);
    ltd_json_free(json);
}

/* tokenizer/ in the folder of the file */
static void open_tokenizer(struct opening *o)
{
    const char *slash = strrchr(o->path, '/');
    const int length = slash ? (int)(slash - o->path) + 1 : 0;
    struct stat folder;
    char dir[4096];

    if (snprintf(dir, sizeof dir, "%.*stokenizer", length, o->path) >= (int)sizeof dir)
        o->status = ltd_fail(o->err, LTD_ENOTFOUND, "the model's path is too long");
    else if (stat(dir, &folder) != 0)
        o->status = ltd_fail(o->err, LTD_ENOTFOUND,
                             "%s: no such folder; a checkpoint in one file holds no vocabulary, so put the "
                             "tokenizer/ of a diffusers folder of the model beside it",
                             dir);
    else
        o->status = clip_tokenizer_open(dir, &o->model->tokenizer, o->err);
}

enum ltd_status single_file_open(struct ltd_model *model, const char *path, struct ltd_error *err)
{
    struct opening o = {.model = model, .path = path, .err = err};

    o.status = weight_set_open_file(path, &model->file, err);
    if (o.status == LTD_OK)
        o.status = compvis_layout_read(model->file, path, &o.layout, err);
    if (o.status == LTD_OK)
        make_schedule(&o);
    if (o.status == LTD_OK)
        open_tokenizer(&o);
    if (o.status == LTD_OK)
        open_parts(&o);
    return o.status;
}
