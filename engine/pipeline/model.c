#include "pipeline/model_parts.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "pipeline/adapted_model.h"
#include "pipeline/model_folder.h"
#include "pipeline/prompt_memory.h"
#include "pipeline/separate_vae.h"
#include "pipeline/single_file.h"
#include "pipeline/text_stack.h"

static enum ltd_status find_kind(const char *path, bool *is_folder, struct ltd_error *err)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return ltd_fail(err, LTD_ENOTFOUND, "%s: no such model", path);
    *is_folder = S_ISDIR(st.st_mode);
    return LTD_OK;
}

enum ltd_status ltd_model_look(const char *path, struct ltd_error *err)
{
    bool is_folder;
    const enum ltd_status st = find_kind(path, &is_folder, err);

    if (st != LTD_OK)
        return st;
    return is_folder ? model_folder_look(path, err) : single_file_look(path, err);
}

static enum ltd_status open_parts(struct ltd_model *m, const char *path, struct ltd_error *err)
{
    bool is_folder;
    enum ltd_status st = find_kind(path, &is_folder, err);

    if (st == LTD_OK)
        st = model_settings_read(&m->settings, path, err);
    if (st != LTD_OK)
        return st;
    return is_folder ? model_folder_open(m, path, err) : single_file_open(m, path, err);
}

/* What stands in place of the model's own VAE, if anything does. */
static enum ltd_status open_separate_vae(struct ltd_model *m, struct ltd_error *err)
{
    enum ltd_status st;

    if (!m->vae_path)
        return LTD_OK;
    st = separate_vae_open(m, err);
    if (st == LTD_OK)
        m->vae_name = separate_vae_name(m->vae_path);
    m->vae_path = NULL;
    if (st == LTD_OK && !m->vae_name)
        st = ltd_fail(err, LTD_ENOMEM, "no memory for the VAE");
    return st;
}

/* Does the U-Net take what the text encoders give? */
static enum ltd_status check_text(const struct ltd_model *m, struct ltd_error *err)
{
    const struct unet_config *u = unet_config(m->unet);
    const size_t channels = text_stack_channels(m), pooled = text_stack_pooled_channels(m);
    const size_t sizes = unet_size_count(m->unet, pooled);

    if (u->context_channels != channels)
        return ltd_fail(err, LTD_EFORMAT,
                        "the U-Net takes text of %zu channels, but the text encoder gives %zu",
                        u->context_channels, channels);
    if (u->added_channels == 0)
        return LTD_OK;
    if (pooled == 0)
        return ltd_fail(err, LTD_EFORMAT,
                        "the U-Net takes a pooled text, but the text encoder has no text_projection");
    if ((sizes != SIZES_OF_XL && sizes != SIZES_OF_REFINER) ||
        pooled + sizes * u->added_size_channels != u->added_channels)
        return ltd_fail(
            err, LTD_EUNSUPPORTED,
            "the U-Net takes %zu channels beside the timestep: not a pooled text of %zu and %d or %d "
            "sizes of %zu",
            u->added_channels, pooled, SIZES_OF_XL, SIZES_OF_REFINER, u->added_size_channels);
    if (text_stack_layers(m) < 1)
        return ltd_fail(err, LTD_EUNSUPPORTED, "a text encoder of one layer has none before its last");
    return LTD_OK;
}

/* Do the parts fit each other? */
static enum ltd_status check_parts(const struct ltd_model *m, struct ltd_error *err)
{
    const struct unet_config *u = unet_config(m->unet);
    const size_t latent = vae_config(m->vae)->latent_channels, vocab = text_stack_vocab(m);

    if (u->in_channels != latent && u->in_channels != 2 * latent && u->in_channels != 2 * latent + 1)
        return ltd_fail(
            err, LTD_EUNSUPPORTED,
            "the U-Net takes %zu channels and the VAE's latents have %zu: known are models that take these "
            "alone, with a picture's latent to edit it or, to inpaint, with a mask and a latent",
            u->in_channels, latent);
    if (u->out_channels != latent)
        return ltd_fail(err, LTD_EUNSUPPORTED, "the U-Net gives %zu channels and the VAE's latents have %zu",
                        u->out_channels, latent);
    if (clip_tokenizer_max_length(m->tokenizer) < 3)
        return ltd_fail(err, LTD_EFORMAT, "the tokenizer's model_max_length leaves no room for a prompt");
    if ((size_t)clip_tokenizer_vocab_size(m->tokenizer) > vocab)
        return ltd_fail(err, LTD_EFORMAT, "the tokenizer has %d tokens, but the text encoder only %zu",
                        clip_tokenizer_vocab_size(m->tokenizer), vocab);
    return check_text(m, err);
}

static void count_weights(struct ltd_model_info *info, const struct weight_set *set)
{
    for (size_t i = 0; i < weight_set_count(set); i++)
        info->parameters += weight_set_at(set, i)->count;
    info->file_bytes += weight_set_file_bytes(set);
}

static const char *dtype_of(const struct weight_set *set)
{
    enum dtype first = weight_set_count(set) > 0 ? weight_set_at(set, 0)->dtype : DTYPE_F32;

    for (size_t i = 1; i < weight_set_count(set); i++)
        if (weight_set_at(set, i)->dtype != first)
            return "mixed";
    return dtype_name(first);
}

static const char *family_of(const struct ltd_model *m)
{
    if (unet_config(m->unet)->added_channels == 0)
        return "sd1";
    return m->text_2 ? "sdxl" : "sdxl-refiner";
}

/* check_parts has seen that it is one of three numbers. */
static void tell_use(struct ltd_model *m)
{
    const size_t in = unet_config(m->unet)->in_channels, latent = vae_config(m->vae)->latent_channels;

    m->info.edits = in == 2 * latent;
    m->info.inpaints = in > 2 * latent;
}

static void fill_info(struct ltd_model *m)
{
    struct ltd_model_info *info = &m->info;
    const int positions = (int)text_stack_positions(m);
    const int length = clip_tokenizer_max_length(m->tokenizer);

    info->family = family_of(m);
    info->prediction_type = schedule_config_prediction(m->schedule);
    info->scheduler_class = schedule_config_class(m->schedule);
    info->dtype = dtype_of(unet_weights(m->unet));
    info->about = m->about ? m->about : "";
    info->vae = m->vae_name ? m->vae_name : "";
    info->vae_factor = (int)vae_factor(vae_config(m->vae));
    info->latent_channels = (int)vae_config(m->vae)->latent_channels;
    info->token_limit = length < positions ? length : positions;
    info->text_layers = (int)text_stack_layers(m);
    for (size_t i = 0; text_stack_at(m, i); i++)
        count_weights(info, clip_text_weights(text_stack_at(m, i)));
    count_weights(info, unet_weights(m->unet));
    count_weights(info, vae_weights(m->vae));
}

/* A model that recommends what it cannot draw would refuse every request that says nothing. */
static enum ltd_status check_recommended(const struct ltd_model *m, struct ltd_error *err)
{
    struct ltd_error first = {.status = LTD_OK};
    const struct ltd_image unseen = {m->recommended.width, m->recommended.height, NULL};
    struct ltd_gen_params p = m->recommended;

    p.init_image = m->info.edits ? &unseen : NULL;
    if (m->settings.json && !ltd_params_check(m, &p, params_keep_first, &first))
        return ltd_fail(err, LTD_EFORMAT, "%s: %s", m->settings.path, first.message);
    return LTD_OK;
}

static enum ltd_status open_model(const char *path, const char *vae, enum bind_use use,
                                  struct ltd_model **out, struct ltd_error *err)
{
    struct ltd_model *m = calloc(1, sizeof *m);
    enum ltd_status st;

    if (!m)
        return ltd_fail(err, LTD_ENOMEM, "no memory for the model");
    m->use = use;
    m->vae_path = vae;
    st = open_parts(m, path, err);
    if (st == LTD_OK)
        st = open_separate_vae(m, err);
    if (st == LTD_OK)
        st = check_parts(m, err);
    if (st == LTD_OK) {
        if (m->settings.prediction)
            schedule_config_predict(m->schedule, m->settings.prediction);
        if (unet_config(m->unet)->added_channels > 0)
            schedule_config_of_xl(m->schedule);
        tell_use(m);
        st = model_defaults_read(m, err);
    }
    if (st == LTD_OK)
        st = preview_new(m->vae, &m->preview, err);
    if (st == LTD_OK)
        st = value_cache_new(PROMPT_MEMORY_BYTES, &m->prompts, err);
    if (st == LTD_OK)
        st = lease_cache_new(ADAPTED_MODELS_IDLE, adapted_model_free, &m->adapted, err);
    if (st == LTD_OK) {
        fill_info(m);
        st = check_recommended(m, err);
    }
    if (st == LTD_OK)
        *out = m;
    else
        ltd_model_close(m);
    return st;
}

enum ltd_status ltd_model_open(const char *path, struct ltd_model **out, struct ltd_error *err)
{
    return open_model(path, NULL, BIND_RUN, out, err);
}

enum ltd_status ltd_model_open_with(const char *path, const char *vae, struct ltd_model **out,
                                    struct ltd_error *err)
{
    return open_model(path, vae, BIND_RUN, out, err);
}

enum ltd_status ltd_model_open_shapes(const char *path, const char *vae, struct ltd_model **out,
                                      struct ltd_error *err)
{
    return open_model(path, vae, BIND_SHAPES, out, err);
}

void ltd_model_close(struct ltd_model *m)
{
    if (!m)
        return;
    lease_cache_free(m->adapted);
    preview_free(m->preview);
    value_cache_free(m->prompts);
    unet_close(m->unet);
    vae_close(m->vae);
    for (int i = 0; i < 2; i++)
        weight_set_close(m->vae_files[i]);
    clip_text_close(m->text);
    clip_text_close(m->text_2);
    weight_set_close(m->file);
    clip_tokenizer_close(m->tokenizer);
    clip_tokenizer_close(m->tokenizer_2);
    schedule_config_free(m->schedule);
    embeddings_fini(&m->embeddings);
    loras_fini(&m->loras);
    control_nets_fini(&m->control_nets);
    model_settings_fini(&m->settings);
    free(m->about);
    free(m->vae_name);
    free(m);
}

enum ltd_status ltd_model_add_embeddings(struct ltd_model *m, const char *dir, struct ltd_error *err)
{
    struct clip_text *const text[2] = {m->text, m->text_2};

    return embeddings_read(&m->embeddings, dir, m->tokenizer, text, (size_t)m->info.token_limit - 2, err);
}

size_t ltd_model_embedding_count(const struct ltd_model *m)
{
    return m->embeddings.count;
}

struct ltd_embedding ltd_model_embedding(const struct ltd_model *m, size_t i)
{
    const struct embedding *item = &m->embeddings.item[i];

    return (struct ltd_embedding){item->name, (int)item->vectors,
                                  item->vectors > 0 ? (int)clip_text_config(m->text)->channels : 0,
                                  item->refused};
}

enum ltd_status ltd_model_add_loras(struct ltd_model *m, const char *dir, struct ltd_error *err)
{
    const struct weight_set *const networks[LORA_NETWORKS] = {
        [LORA_UNET] = unet_weights(m->unet),
        [LORA_TEXT_ENCODER] = clip_text_weights(m->text),
        [LORA_TEXT_ENCODER_2] = m->text_2 ? clip_text_weights(m->text_2) : NULL,
    };

    return loras_read(&m->loras, dir, networks, err);
}

size_t ltd_model_lora_count(const struct ltd_model *m)
{
    return m->loras.count;
}

struct ltd_lora_info ltd_model_lora(const struct ltd_model *m, size_t i)
{
    const struct lora *item = &m->loras.item[i];

    return (struct ltd_lora_info){item->name, (int)item->layers, item->refused};
}

enum ltd_status ltd_model_add_control_nets(struct ltd_model *m, const char *dir, struct ltd_error *err)
{
    return control_nets_read(&m->control_nets, dir, unet_config(m->unet), (size_t)m->info.vae_factor, err);
}

size_t ltd_model_control_net_count(const struct ltd_model *m)
{
    return m->control_nets.count;
}

struct ltd_control_net_info ltd_model_control_net(const struct ltd_model *m, size_t i)
{
    const struct control_item *item = &m->control_nets.item[i];

    return (struct ltd_control_net_info){item->name, item->refused};
}

void ltd_model_use_upscalers(struct ltd_model *m, const struct ltd_upscalers *upscalers)
{
    m->upscalers = upscalers;
}

void ltd_model_prefer_precision(struct ltd_model *m, enum ltd_precision precision)
{
    m->recommended.precision = precision;
}

const struct ltd_model_info *ltd_model_info(const struct ltd_model *m)
{
    return &m->info;
}

struct ltd_gen_params ltd_params_default(const struct ltd_model *m)
{
    return m->recommended;
}
