#include "pipeline/single_file.h"

#include <stdio.h>
#include <string.h>

#include "pipeline/file_words.h"
#include "pipeline/vae_told.h"
#include "weights/compvis.h"

#define UNET COMPVIS_UNET
#define VAE  "first_stage_model."

#define SD1_HEADS     8
#define HEAD_CHANNELS 64  /* of a U-Net since Stable Diffusion 2, and of the text encoders */
#define SIZE_WAVES    256 /* of each of the sizes that XL is told */
#define VAE_SCALE     0.18215
#define XL_VAE_SCALE  0.13025

/* What the tensors' shapes do not tell of a family. */
static const struct {
    const char *scheduler; /* its class */
    unsigned side, v_side; /* pixels: where it predicts epsilon, and v */
    bool v;                /* it predicts v where nobody says */
    bool zero_empty;       /* as in model_parts.h */
} families[] = {
    [COMPVIS_SD1] = {"PNDMScheduler", 512, 512, false, false},
    [COMPVIS_SD2] = {"DDIMScheduler", 512, 768, true, false},
    [COMPVIS_XL] = {"EulerDiscreteScheduler", 1024, 1024, false, true},
    [COMPVIS_REFINER] = {"EulerDiscreteScheduler", 1024, 1024, false, false},
};

/* One file while it is opened. */
struct opening {
    struct ltd_model *model;
    const char *path;
    struct compvis_layout layout;
    bool v; /* the U-Net predicts v */
    struct ltd_error *err;
    enum ltd_status status;
};

/* Size `dim` of a tensor of a set with this many dimensions; 0 after an error. */
static size_t size_in(struct opening *o, const struct weight_set *set, const char *name, int rank, int dim)
{
    return weight_set_size(set, o->path, name, rank, dim, &o->status, o->err);
}

static size_t size_of(struct opening *o, const char *name, int rank, int dim)
{
    return size_in(o, o->model->file, name, rank, dim);
}

/* So many channels in heads of 64. */
static size_t heads_of(struct opening *o, const char *name, size_t channels)
{
    if (o->status == LTD_OK && channels % HEAD_CHANNELS != 0)
        o->status = ltd_fail(o->err, LTD_EUNSUPPORTED,
                             "%s: tensor \"%s\": %zu channels cannot be split into heads of %d", o->path,
                             name, channels, HEAD_CHANNELS);
    return channels / HEAD_CHANNELS;
}

static void add_size(struct ltd_json *config, const char *key, size_t size)
{
    ltd_json_add(config, key, ltd_json_new_uint64(size));
}

static void add_text(struct ltd_json *config, const char *key, const char *text)
{
    ltd_json_add(config, key, ltd_json_new_string(text));
}

static void append_text(struct ltd_json *list, const char *text)
{
    ltd_json_append(list, ltd_json_new_string(text));
}

static bool is_xl(const struct opening *o)
{
    return o->layout.family == COMPVIS_XL || o->layout.family == COMPVIS_REFINER;
}

/* Pixels. */
static size_t side_of(const struct opening *o)
{
    return o->v ? families[o->layout.family].v_side : families[o->layout.family].side;
}

/* Has a block of the U-Net a transformer? */
static bool attends(const struct opening *o, const char *blocks, size_t block)
{
    char name[128];

    snprintf(name, sizeof name, UNET "%s.%zu.1.proj_in.weight", blocks, block);
    return weight_set_find(o->model->file, name) != NULL;
}

/* Transformer blocks behind each resblock of a block of the U-Net; 1 where there are none, which is no
 * depth. */
static size_t depth_of(const struct opening *o, const char *block)
{
    char name[128];
    size_t count;

    snprintf(name, sizeof name, UNET "%s.1.transformer_blocks.", block);
    count = compvis_count(o->model->file, name);
    return count > 0 ? count : 1;
}

/* What a level is made of, appended to the lists of the config. */
struct level_lists {
    struct ltd_json *channels, *heads, *depths, *down, *up;
};

static void add_level(struct opening *o, size_t level, const struct level_lists *lists)
{
    const size_t levels = o->layout.unet_levels, stride = o->layout.unet_layers + 1;
    const bool sd1 = o->layout.family == COMPVIS_SD1, last = level + 1 == levels;
    const bool down = attends(o, "input_blocks", 1 + level * stride);
    char name[128], block[32];
    size_t channels;

    snprintf(name, sizeof name, UNET "input_blocks.%zu.0.out_layers.3.weight", 1 + level * stride);
    channels = size_of(o, name, 4, 0);
    ltd_json_append(lists->channels, ltd_json_new_uint64(channels));
    /* A level without attention takes part in no heads, but the middle takes the last level's. */
    ltd_json_append(lists->heads, ltd_json_new_uint64(sd1            ? SD1_HEADS
                                                      : down || last ? heads_of(o, name, channels)
                                                                     : 1));
    snprintf(block, sizeof block, "input_blocks.%zu", 1 + level * stride);
    ltd_json_append(lists->depths, ltd_json_new_uint64(depth_of(o, last ? "middle_block" : block)));
    append_text(lists->down, down ? "CrossAttnDownBlock2D" : "DownBlock2D");
    append_text(lists->up, attends(o, "output_blocks", level * stride) ? "CrossAttnUpBlock2D" : "UpBlock2D");
}

static struct ltd_json *unet_config_of(struct opening *o)
{
    struct ltd_json *c = ltd_json_new_object();
    const struct level_lists lists = {ltd_json_new_array(), ltd_json_new_array(), ltd_json_new_array(),
                                      ltd_json_new_array(), ltd_json_new_array()};

    add_size(c, "in_channels", size_of(o, UNET "input_blocks.0.0.weight", 4, 1));
    add_size(c, "out_channels", size_of(o, UNET "out.2.weight", 4, 0));
    add_size(c, "cross_attention_dim",
             size_of(o, UNET "middle_block.1.transformer_blocks.0.attn2.to_k.weight", 2, 1));
    add_size(c, "layers_per_block", o->layout.unet_layers);
    for (size_t i = 0; i < o->layout.unet_levels; i++)
        add_level(o, i, &lists);
    ltd_json_add(c, "block_out_channels", lists.channels);
    ltd_json_add(c, "attention_head_dim", lists.heads);
    ltd_json_add(c, "transformer_layers_per_block", lists.depths);
    ltd_json_add(c, "down_block_types", lists.down);
    ltd_json_add(c, "up_block_types", lists.up);
    if (is_xl(o)) {
        add_text(c, "addition_embed_type", "text_time");
        add_size(c, "addition_time_embed_dim", SIZE_WAVES);
        add_size(c, "projection_class_embeddings_input_dim", size_of(o, UNET "label_emb.0.0.weight", 2, 1));
    }
    return c;
}

static struct ltd_json *text_config_of(struct opening *o, const struct compvis_text *text,
                                       const struct weight_set *set)
{
    /* Newer releases of transformers leave the outer name away. */
    const char *outer = weight_set_find(set, "final_layer_norm.weight") ? "" : "text_model.";
    struct ltd_json *c = ltd_json_new_object();
    char token[128], name[128];
    size_t channels;

    snprintf(token, sizeof token, "%sembeddings.token_embedding.weight", outer);
    channels = size_in(o, set, token, 2, 1);
    add_size(c, "vocab_size", size_in(o, set, token, 2, 0));
    add_size(c, "hidden_size", channels);
    add_size(c, "num_attention_heads", heads_of(o, token, channels));
    snprintf(name, sizeof name, "%sembeddings.position_embedding.weight", outer);
    add_size(c, "max_position_embeddings", size_in(o, set, name, 2, 0));
    snprintf(name, sizeof name, "%sencoder.layers.0.mlp.fc1.weight", outer);
    add_size(c, "intermediate_size", size_in(o, set, name, 2, 0));
    snprintf(name, sizeof name, "%sencoder.layers.", outer);
    add_size(c, "num_hidden_layers", compvis_count(set, name));
    if (text->pools)
        add_size(c, "projection_dim", size_in(o, set, "text_projection", 2, 1));
    if (text->openclip)
        add_text(c, "hidden_act", "gelu");
    return c;
}

/* The view of one part; NULL after an error. */
static struct weight_set *view(struct opening *o, weight_name_fn *rename, const void *arg)
{
    struct weight_set *set = NULL;

    if (o->status == LTD_OK)
        o->status = weight_set_view(o->model->file, o->path, rename, arg, &set, o->err);
    return set;
}

static void open_text(struct opening *o, const struct compvis_text *text, struct clip_text **out)
{
    struct weight_set *set = text->prefix ? view(o, compvis_text_name, text) : NULL;
    struct ltd_json *config = set ? text_config_of(o, text, set) : NULL;

    if (set && o->status == LTD_OK)
        o->status = clip_text_open_set(config, o->path, set, o->model->use, out, o->err);
    else
        weight_set_close(set);
    ltd_json_free(config);
}

/* Opens the VAE unless another one is to come, and tells what is known of it. */
static void open_vae(struct opening *o)
{
    const double scale = is_xl(o) ? XL_VAE_SCALE : VAE_SCALE;
    struct compvis_vae vae = {VAE, 0};
    struct weight_set *set = NULL;
    struct ltd_json *config = NULL;

    compvis_vae_find(o->model->file, VAE, &vae);
    o->model->own_vae = (struct own_vae){scale, vae.levels, side_of(o), side_of(o)};
    if (o->status != LTD_OK || o->model->vae_path)
        return;
    if (vae.levels == 0) {
        o->status =
            ltd_fail(o->err, LTD_EFORMAT,
                     "%s: tensor \"" VAE "encoder.down.0.block.0.conv1.weight\" is missing: there is no "
                     "VAE in this file; give one with --vae",
                     o->path);
        return;
    }
    if ((set = view(o, compvis_vae_name, &vae)))
        o->status = vae_told_config(set, o->path, scale, &config, o->err);
    if (o->status == LTD_OK)
        o->status = vae_open_set(config, o->path, set, o->model->use, &o->model->vae, o->err);
    else
        weight_set_close(set);
    ltd_json_free(config);
}

static void open_parts(struct opening *o)
{
    struct ltd_json *unet = unet_config_of(o);
    struct weight_set *set;

    open_text(o, &o->layout.text[0], &o->model->text);
    open_text(o, &o->layout.text[1], &o->model->text_2);
    open_vae(o);
    if ((set = view(o, compvis_unet_name, &o->layout)))
        o->status = unet_open_set(unet, o->path, set, o->model->use, &o->model->unet, o->err);
    ltd_json_free(unet);
}

/* The model's settings, its metadata, then a tensor tell what the U-Net predicts; else it is as in most of
 * the family. */
static void read_prediction(struct opening *o)
{
    const char *told = weight_set_prediction(o->model->file);

    if (o->model->settings.prediction)
        o->v = strcmp(o->model->settings.prediction, "v_prediction") == 0;
    else if (!told)
        o->v = families[o->layout.family].v || weight_set_find(o->model->file, "v_pred");
    else if (strcmp(told, "v") == 0 || strcmp(told, "v_prediction") == 0)
        o->v = true;
    else if (strcmp(told, "epsilon") != 0)
        o->status = ltd_fail(o->err, LTD_EUNSUPPORTED,
                             "%s: modelspec.prediction_type \"%.80s\" is not supported (known: epsilon, v)",
                             o->path, told);
}

/* What diffusers gives a file that says nothing of its scheduler. */
static void make_schedule(struct opening *o)
{
    struct ltd_json *c = ltd_json_new_object();
    /* Lin et al. 2023, "Common Diffusion Noise Schedules and Sample Steps are Flawed" */
    const bool zero_snr = weight_set_find(o->model->file, "ztsnr") != NULL;

    add_text(c, "_class_name",
             !o->v && o->layout.family == COMPVIS_SD2 ? "PNDMScheduler"
                                                      : families[o->layout.family].scheduler);
    add_text(c, "prediction_type", o->v ? "v_prediction" : "epsilon");
    add_text(c, "beta_schedule", "scaled_linear");
    ltd_json_add(c, "beta_start", ltd_json_new_number(0.00085));
    ltd_json_add(c, "beta_end", ltd_json_new_number(0.012));
    add_size(c, "num_train_timesteps", 1000);
    add_size(c, "steps_offset", 1);
    ltd_json_add(c, "set_alpha_to_one", ltd_json_new_bool(false));
    ltd_json_add(c, "skip_prk_steps", ltd_json_new_bool(true));
    ltd_json_add(c, "clip_sample", ltd_json_new_bool(false));
    if (zero_snr)
        ltd_json_add(c, "rescale_betas_zero_snr", ltd_json_new_bool(true));
    /* Where the config does not say, each sampler has a spacing of its own. */
    if (zero_snr || is_xl(o))
        add_text(c, "timestep_spacing", zero_snr ? "trailing" : "leading");
    o->status = schedule_config_read(c, &o->model->schedule, o->err);
    if (o->status == LTD_OK)
        schedule_config_correct(o->model->schedule);
    ltd_json_free(c);
}

enum ltd_status single_file_look(const char *path, struct ltd_error *err)
{
    struct weight_set *file = NULL;
    struct compvis_layout layout;
    enum ltd_status st = weight_set_open_model(path, &file, err);

    if (st == LTD_OK)
        st = compvis_layout_read(file, path, &layout, err);
    weight_set_close(file);
    return st;
}

enum ltd_status single_file_open(struct ltd_model *model, const char *path, struct ltd_error *err)
{
    struct opening o = {.model = model, .path = path, .err = err};

    o.status = weight_set_open_model(path, &model->file, err);
    if (o.status == LTD_OK)
        o.status = compvis_layout_read(model->file, path, &o.layout, err);
    if (o.status == LTD_OK)
        read_prediction(&o);
    if (o.status == LTD_OK)
        make_schedule(&o);
    if (o.status == LTD_OK)
        open_parts(&o);
    if (o.status == LTD_OK)
        o.status = file_words_open(model, path, o.layout.family, err);
    if (o.status == LTD_OK && model->use == BIND_SHAPES)
        weight_set_close_files(model->file);
    if (o.status == LTD_OK)
        model->zero_empty = families[o.layout.family].zero_empty;
    return o.status;
}
