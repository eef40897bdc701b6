#include "pipeline/model_folder.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/config_reader.h"
#include "base/mapped_file.h"

#define PATH_ROOM 4096

/* model_index.json's pipelines that are built.  What differs between them is told from their parts. */
static const char *const pipelines[] = {
    "StableDiffusionPipeline",
    "StableDiffusionImg2ImgPipeline",
    "StableDiffusionXLPipeline",
    "StableDiffusionXLImg2ImgPipeline",
    "LatentConsistencyModelPipeline",
    "LatentConsistencyModelImg2ImgPipeline",
    "StableDiffusionInpaintPipeline",
    "StableDiffusionXLInpaintPipeline",
    "StableDiffusionInstructPix2PixPipeline",
    "StableDiffusionXLInstructPix2PixPipeline",
};

/* dir/name, or an error when it does not fit. */
static enum ltd_status join(char out[PATH_ROOM], const char *dir, const char *name, struct ltd_error *err)
{
    if ((size_t)snprintf(out, PATH_ROOM, "%s/%s", dir, name) >= PATH_ROOM)
        return ltd_fail(err, LTD_ENOTFOUND, "the model's path is too long");
    return LTD_OK;
}

static bool has_folder(const char *dir, const char *name)
{
    char path[PATH_ROOM];
    struct stat st;

    return join(path, dir, name, NULL) == LTD_OK && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static enum ltd_status read_index(struct ltd_model *m, const char *dir, struct ltd_error *err)
{
    struct ltd_json *json = NULL;
    struct config_reader r = {.err = err};
    char path[PATH_ROOM];
    const char *name;
    bool known = false;
    enum ltd_status st = join(path, dir, "model_index.json", err);

    if (st == LTD_OK)
        st = config_read_file(path, CONFIG_MAX_BYTES, &json, err);
    if (st == LTD_ENOTFOUND)
        return ltd_fail(err, LTD_EFORMAT, "%s: no model_index.json; give a diffusers folder", dir);
    if (st != LTD_OK)
        return st;
    r.json = json;
    r.file = path;
    name = config_text(&r, "_class_name", "");
    m->zero_empty = config_flag(&r, "force_zeros_for_empty_prompt", true);
    m->shows_scaled = config_flag(&r, "is_cosxl_edit", false);
    for (size_t i = 0; i < sizeof pipelines / sizeof pipelines[0]; i++)
        known |= strcmp(name, pipelines[i]) == 0;
    if (!known)
        config_fail(&r, LTD_EUNSUPPORTED, "pipeline \"%.80s\" is not supported (known: %s, %s)", name,
                    pipelines[0], pipelines[2]);
    ltd_json_free(json);
    return r.status;
}

static enum ltd_status read_schedule(struct ltd_model *m, const char *dir, struct ltd_error *err)
{
    struct ltd_json *json = NULL;
    char path[PATH_ROOM];
    enum ltd_status st = join(path, dir, "scheduler/scheduler_config.json", err);

    if (st == LTD_OK)
        st = config_read_file(path, CONFIG_MAX_BYTES, &json, err);
    if (st == LTD_OK)
        st = schedule_config_read(json, &m->schedule, err);
    if (st == LTD_OK)
        schedule_config_correct(m->schedule);
    ltd_json_free(json);
    return st;
}

/* Are name in dir/tokenizer and dir/tokenizer_2 the same file? */
static enum ltd_status compare_words(const char *dir, const char *name, struct ltd_error *err)
{
    static const char *const folders[] = {"tokenizer", "tokenizer_2"};
    struct mapped_file file[2] = {{0}};
    char below[64], path[PATH_ROOM];
    enum ltd_status st = LTD_OK;

    for (int i = 0; i < 2 && st == LTD_OK; i++) {
        snprintf(below, sizeof below, "%s/%s", folders[i], name);
        st = join(path, dir, below, err);
        if (st == LTD_OK)
            st = mapped_file_open(&file[i], path, err);
    }
    if (st == LTD_OK &&
        (file[0].size != file[1].size || memcmp(file[0].data, file[1].data, file[0].size) != 0))
        st = ltd_fail(err, LTD_EUNSUPPORTED, "%s: the two tokenizers must have the same %s", dir, name);
    mapped_file_close(&file[0]);
    mapped_file_close(&file[1]);
    return st;
}

enum ltd_status model_folder_check_words(const struct ltd_model *m, const char *dir, struct ltd_error *err)
{
    enum ltd_status st = compare_words(dir, "vocab.json", err);

    if (st == LTD_OK)
        st = compare_words(dir, "merges.txt", err);
    if (st == LTD_OK &&
        (clip_tokenizer_bos(m->tokenizer_2) != clip_tokenizer_bos(m->tokenizer) ||
         clip_tokenizer_eos(m->tokenizer_2) != clip_tokenizer_eos(m->tokenizer) ||
         clip_tokenizer_vocab_size(m->tokenizer_2) != clip_tokenizer_vocab_size(m->tokenizer)))
        st = ltd_fail(err, LTD_EUNSUPPORTED,
                      "%s: the two tokenizers must have the same marks and added tokens", dir);
    return st;
}

static enum ltd_status open_text(const char *dir, enum bind_use use, const char *tokenizer_name,
                                 const char *encoder_name, struct clip_tokenizer **tokenizer,
                                 struct clip_text **encoder, struct ltd_error *err)
{
    char path[PATH_ROOM];
    enum ltd_status st = join(path, dir, tokenizer_name, err);

    if (st == LTD_OK)
        st = clip_tokenizer_open(path, tokenizer, err);
    if (st == LTD_OK)
        st = join(path, dir, encoder_name, err);
    return st == LTD_OK ? clip_text_open(path, use, NULL, encoder, err) : st;
}

/* XL's refiner has no first text encoder. */
static enum ltd_status open_texts(struct ltd_model *m, const char *dir, struct ltd_error *err)
{
    const bool second = has_folder(dir, "text_encoder_2");
    enum ltd_status st;

    if (second && !has_folder(dir, "text_encoder"))
        return open_text(dir, m->use, "tokenizer_2", "text_encoder_2", &m->tokenizer, &m->text, err);
    st = open_text(dir, m->use, "tokenizer", "text_encoder", &m->tokenizer, &m->text, err);
    if (st != LTD_OK || !second)
        return st;
    st = open_text(dir, m->use, "tokenizer_2", "text_encoder_2", &m->tokenizer_2, &m->text_2, err);
    return st == LTD_OK ? model_folder_check_words(m, dir, err) : st;
}

enum ltd_status model_folder_look(const char *dir, struct ltd_error *err)
{
    struct ltd_model unused = {0};

    return read_index(&unused, dir, err);
}

/* Opens the VAE unless another one is to come, and asks what is known of it. */
static enum ltd_status open_vae(struct ltd_model *m, const char *dir, struct ltd_error *err)
{
    struct vae_config own = {0};
    char path[PATH_ROOM];
    enum ltd_status st = join(path, dir, m->vae_path ? "vae/config.json" : "vae", err);

    if (st != LTD_OK)
        return st;
    st = m->vae_path ? vae_config_read(path, &own, err) : vae_open(path, m->use, NULL, &m->vae, err);
    if (m->vae)
        own = *vae_config(m->vae);
    m->own_vae = (struct own_vae){own.scaling_factor, own.levels, own.sample_height, own.sample_width};
    return st;
}

enum ltd_status model_folder_open(struct ltd_model *m, const char *dir, struct ltd_error *err)
{
    char path[PATH_ROOM];
    enum ltd_status st = read_index(m, dir, err);

    if (st == LTD_OK)
        st = read_schedule(m, dir, err);
    if (st == LTD_OK)
        st = open_texts(m, dir, err);
    if (st == LTD_OK)
        st = open_vae(m, dir, err);
    if (st == LTD_OK)
        st = join(path, dir, "unet", err);
    return st == LTD_OK ? unet_open(path, m->use, NULL, &m->unet, err) : st;
}
