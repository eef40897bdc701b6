#include "pipeline/model_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/config_reader.h"
#include "pipeline/adapted_model.h"
#include "pipeline/prompt_memory.h"
#include "pipeline/single_file.h"

#define PATH_ROOM 4096

/* dir/name, or false when it does not fit. */
static bool join(char out[PATH_ROOM], const char *dir, const char *name)
{
    return (size_t)snprintf(out, PATH_ROOM, "%s/%s", dir, name) < PATH_ROOM;
}

/* Is this a folder of the one pipeline that is built? */
static enum ltd_status check_index(const char *dir, struct ltd_error *err)
{
    struct ltd_json *json = NULL;
    struct config_reader r = {.err = err};
    char path[PATH_ROOM];
    const char *name;
    enum ltd_status st;

    if (!join(path, dir, "model_index.json"))
        return ltd_fail(err, LTD_ENOTFOUND, "the model's path is too long");
    st = config_read_file(path, CONFIG_MAX_BYTES, &json, err);
    if (st == LTD_ENOTFOUND)
        return ltd_fail(err, LTD_EFORMAT, "%s: no model_index.json; give a diffusers folder", dir);
    if (st != LTD_OK)
        return st;
    r.json = json;
    r.file = path;
    name = config_text(&r, "_class_name", "");
    if (r.status == LTD_OK &&
        strncmp(name, "StableDiffusionPipeline", sizeof "StableDiffusionPipeline") != 0 &&
        strncmp(name, "StableDiffusionImg2ImgPipeline", sizeof "StableDiffusionImg2ImgPipeline") != 0)
        config_fail(&r, LTD_EUNSUPPORTED,
                    "pipeline \"%.80s\" is not supported (known: StableDiffusionPipeline)", name);
    ltd_json_free(json);
    return r.status;
}

static enum ltd_status read_schedule(struct ltd_model *m, const char *dir, struct ltd_error *err)
{
    struct ltd_json *json = NULL;
    char path[PATH_ROOM];
    enum ltd_status st;

    if (!join(path, dir, "scheduler/scheduler_config.json"))
        return ltd_fail(err, LTD_ENOTFOUND, "the model's path is too long");
    st = config_read_file(path, CONFIG_MAX_BYTES, &json, err);
    if (st == LTD_OK)
        st = schedule_config_read(json, &m->schedule, err);
    if (st == LTD_OK)
        schedule_config_correct(m->schedule);
    ltd_json_free(json);
    return st;
}

static enum ltd_status open_folder(struct ltd_model *m, const char *dir, struct ltd_error *err)
{
    char path[PATH_ROOM];
    enum ltd_status st = check_index(dir, err);

    if (st == LTD_OK)
        st = read_schedule(m, dir, err);
    if (st == LTD_OK && join(path, dir, "tokenizer"))
        st = clip_tokenizer_open(path, &m->tokenizer, err);
    if (st == LTD_OK && join(path, dir, "text_encoder"))
        st = clip_text_open(path, NULL, &m->text, err);
    if (st == LTD_OK && join(path, dir, "vae"))
        st = vae_open(path, NULL, &m->vae, err);
    if (st == LTD_OK && join(path, dir, "unet"))
        st = unet_open(path, NULL, &m->unet, err);
    return st;
}

static enum ltd_status open_parts(struct ltd_model *m, const char *path, struct ltd_error *err)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return ltd_fail(err, LTD_ENOTFOUND, "%s: no such model", path);
    return S_ISDIR(st.st_mode) ? open_folder(m, path, err) : single_file_open(m, path, err);
}

/* Do the parts fit each other? */
static enum ltd_status check_parts(const struct ltd_model *m, struct ltd_error *err)
{
    const struct unet_config *u = unet_config(m->unet);
    const struct clip_text_config *t = clip_text_config(m->text);
    const size_t latent = vae_config(m->vae)->latent_channels;

    if (u->in_channels != latent)
        return ltd_fail(
            err, LTD_EUNSUPPORTED,
            "the U-Net takes %zu channels and the VAE's latents have %zu: inpainting and instruction "
            "models are not supported",
            u->in_channels, latent);
    if (u->out_channels != latent)
        return ltd_fail(err, LTD_EUNSUPPORTED, "the U-Net gives %zu channels and the VAE's latents have %zu",
                        u->out_channels, latent);
    if (u->context_channels != t->channels)
        return ltd_fail(err, LTD_EFORMAT,
                        "the U-Net takes text of %zu channels, but the text encoder gives %zu",
                        u->context_channels, t->channels);
    if (clip_tokenizer_max_length(m->tokenizer) < 3)
        return ltd_fail(err, LTD_EFORMAT, "the tokenizer's model_max_length leaves no room for a prompt");
    if ((size_t)clip_tokenizer_vocab_size(m->tokenizer) > t->vocab)
        return ltd_fail(err, LTD_EFORMAT, "the tokenizer has %d tokens, but the text encoder only %zu",
                        clip_tokenizer_vocab_size(m->tokenizer), t->vocab);
    return LTD_OK;
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

static void fill_info(struct ltd_model *m)
{
    struct ltd_model_info *info = &m->info;
    const int positions = (int)clip_text_config(m->text)->positions;
    const int length = clip_tokenizer_max_length(m->tokenizer);

    info->family = "sd1";
    info->prediction_type = schedule_config_prediction(m->schedule);
    info->scheduler_class = schedule_config_class(m->schedule);
    info->dtype = dtype_of(unet_weights(m->unet));
    info->about = m->about ? m->about : "";
    info->vae_factor = (int)vae_factor(vae_config(m->vae));
    info->latent_channels = (int)vae_config(m->vae)->latent_channels;
    info->token_limit = length < positions ? length : positions;
    info->text_layers = (int)clip_text_config(m->text)->layers;
    count_weights(info, clip_text_weights(m->text));
    count_weights(info, unet_weights(m->unet));
    count_weights(info, vae_weights(m->vae));
}

/* A model that recommends what it cannot draw would refuse every request that says nothing. */
static enum ltd_status check_recommended(const struct ltd_model *m, struct ltd_error *err)
{
    struct ltd_error first = {.status = LTD_OK};

    if (m->recommends && !ltd_params_check(m, &m->recommended, params_keep_first, &first))
        return ltd_fail(err, LTD_EFORMAT, "latentd.json: %s", first.message);
    return LTD_OK;
}

enum ltd_status ltd_model_open(const char *path, struct ltd_model **out, struct ltd_error *err)
{
    struct ltd_model *m = calloc(1, sizeof *m);
    enum ltd_status st;

    if (!m)
        return ltd_fail(err, LTD_ENOMEM, "no memory for the model");
    st = open_parts(m, path, err);
    if (st == LTD_OK)
        st = check_parts(m, err);
    if (st == LTD_OK)
        st = model_defaults_read(m, path, err);
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

void ltd_model_close(struct ltd_model *m)
{
    if (!m)
        return;
    lease_cache_free(m->adapted);
    preview_free(m->preview);
    value_cache_free(m->prompts);
    unet_close(m->unet);
    vae_close(m->vae);
    clip_text_close(m->text);
    weight_set_close(m->file);
    clip_tokenizer_close(m->tokenizer);
    schedule_config_free(m->schedule);
    embeddings_fini(&m->embeddings);
    loras_fini(&m->loras);
    free(m->about);
    free(m);
}

enum ltd_status ltd_model_add_embeddings(struct ltd_model *m, const char *dir, struct ltd_error *err)
{
    return embeddings_read(&m->embeddings, dir, m->tokenizer, m->text, (size_t)m->info.token_limit - 2, err);
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
    return loras_read(&m->loras, dir, m->text, m->unet, err);
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

const struct ltd_model_info *ltd_model_info(const struct ltd_model *m)
{
    return &m->info;
}

struct ltd_gen_params ltd_params_default(const struct ltd_model *m)
{
    return m->recommended;
}
