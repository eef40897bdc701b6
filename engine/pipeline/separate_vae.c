#include "pipeline/separate_vae.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/vae_told.h"
#include "pipeline/weight_folder.h"
#include "tokenizer/clip_chars.h"
#include "weights/compvis.h"
#include "weights/taesd.h"

#define PATH_ROOM 4096

static const char decoder_ending[] = "_decoder.safetensors", encoder_ending[] = "_encoder.safetensors";

/* Where the ending begins in path; NULL: it ends otherwise. */
static const char *find_ending(const char *path, const char *ending)
{
    const size_t length = strlen(path), tail = strlen(ending);

    return length > tail && strcmp(path + length - tail, ending) == 0 ? path + length - tail : NULL;
}

/* From tensors with diffusers' names, which are taken. */
static enum ltd_status open_set(struct ltd_model *m, const char *path, struct weight_set *set,
                                struct ltd_error *err)
{
    struct ltd_json *config = NULL;
    enum ltd_status st = vae_told_config(set, path, m->own_vae.scaling_factor, &config, err);

    if (st == LTD_OK)
        st = vae_open_set(config, path, set, m->use, &m->vae, err);
    else
        weight_set_close(set);
    ltd_json_free(config);
    return st;
}

/* The encoder beside a decoder as a view of model->vae_files[1]; *out stays NULL where there is none. */
static enum ltd_status open_encoder(struct ltd_model *m, const char *decoder, struct weight_set **out,
                                    struct ltd_error *err)
{
    const char *ending = find_ending(decoder, decoder_ending);
    char path[PATH_ROOM];
    enum ltd_status st;

    if (!ending ||
        snprintf(path, sizeof path, "%.*s%s", (int)(ending - decoder), decoder, encoder_ending) >=
            (int)sizeof path ||
        access(path, F_OK) != 0)
        return LTD_OK;
    st = weight_set_open_file(path, &m->vae_files[1], err);
    if (st == LTD_OK && !taesd_is_encoder(m->vae_files[1]))
        return ltd_fail(err, LTD_EFORMAT,
                        "%s: it lies beside a tiny autoencoder's decoder, but is no encoder: tensor "
                        "\"1.conv.0.weight\" is missing",
                        path);
    return st == LTD_OK ? weight_set_view(m->vae_files[1], path, taesd_encoder_name, NULL, out, err) : st;
}

/* model->vae_files[0] is the decoder. */
static enum ltd_status open_taesd(struct ltd_model *m, const char *path, struct ltd_error *err)
{
    struct weight_set *decoder = NULL, *encoder = NULL, *both = NULL;
    enum ltd_status st = weight_set_view(m->vae_files[0], path, taesd_decoder_name, NULL, &decoder, err);

    if (st == LTD_OK)
        st = open_encoder(m, path, &encoder, err);
    if (st != LTD_OK) {
        weight_set_close(decoder);
        return st;
    }
    if (!encoder)
        return open_set(m, path, decoder, err);
    st = weight_set_join(decoder, encoder, path, &both, err);
    return st == LTD_OK ? open_set(m, path, both, err) : st;
}

static enum ltd_status open_file(struct ltd_model *m, const char *path, struct ltd_error *err)
{
    struct weight_set *file = NULL, *set = NULL;
    struct compvis_vae named;
    enum ltd_status st = weight_set_open_file(path, &file, err);

    if (st != LTD_OK)
        return st;
    if (weight_set_find(file, "decoder.layers.0.weight") ||
        weight_set_find(file, "encoder.down_blocks.0.resnets.0.conv1.weight"))
        return open_set(m, path, file, err);
    m->vae_files[0] = file;
    if (compvis_vae_find(file, "first_stage_model.", &named) || compvis_vae_find(file, "", &named)) {
        st = weight_set_view(file, path, compvis_vae_name, &named, &set, err);
        return st == LTD_OK ? open_set(m, path, set, err) : st;
    }
    if (taesd_is_decoder(file))
        return open_taesd(m, path, err);
    if (taesd_is_encoder(file))
        return ltd_fail(err, LTD_EUNSUPPORTED,
                        "%s: it is the encoder of a tiny autoencoder; give the file of its decoder", path);
    return ltd_fail(err, LTD_EUNSUPPORTED,
                    "%s: no VAE: tensor \"encoder.down_blocks.0.resnets.0.conv1.weight\" is missing, or "
                    "\"first_stage_model.encoder.down.0.block.0.conv1.weight\", or, of a tiny autoencoder, "
                    "\"decoder.layers.0.weight\" or \"1.weight\"",
                    path);
}

/* The decoders in a folder. */
struct decoders {
    char path[PATH_ROOM];
    size_t count;
};

static enum ltd_status count_decoder(void *arg, const struct folder_file *file, struct ltd_error *err)
{
    struct decoders *d = arg;

    (void)err;
    if (find_ending(file->file, decoder_ending) && d->count++ == 0)
        snprintf(d->path, sizeof d->path, "%s", file->path);
    return LTD_OK;
}

static enum ltd_status open_folder(struct ltd_model *m, const char *path, struct ltd_error *err)
{
    struct decoders decoders = {.count = 0};
    char config[PATH_ROOM];
    enum ltd_status st;

    if (snprintf(config, sizeof config, "%s/config.json", path) >= (int)sizeof config)
        return ltd_fail(err, LTD_ENOTFOUND, "the VAE's path is too long");
    if (access(config, F_OK) == 0)
        return vae_open(path, m->use, NULL, &m->vae, err);
    st = weight_folder_read(path, "a VAE", count_decoder, &decoders, err);
    if (st != LTD_OK)
        return st;
    if (decoders.count == 0)
        return ltd_fail(err, LTD_ENOTFOUND,
                        "%s: no VAE: neither config.json nor a file whose name ends in %s is in this folder",
                        path, decoder_ending);
    if (decoders.count > 1)
        return ltd_fail(err, LTD_EUNSUPPORTED,
                        "%s: %zu files whose names end in %s are in this folder; give the path of one", path,
                        decoders.count, decoder_ending);
    return open_file(m, decoders.path, err);
}

/* Does it make pictures of the model's latents, and latents of every picture that the model is shown? */
static enum ltd_status check_fit(const struct ltd_model *m, struct ltd_error *err)
{
    const struct unet_config *u = unet_config(m->unet);
    const size_t latent = vae_config(m->vae)->latent_channels, own = m->own_vae.levels;
    char name[VAE_TENSOR_NAME_SIZE];
    const size_t levels = vae_level_tensor(m->vae, name);

    if (latent != u->out_channels)
        return ltd_fail(err, LTD_EUNSUPPORTED,
                        "tensor \"%s\": it is for latents of %zu channels, but the model's have %zu",
                        vae_latent_tensor(m->vae), latent, u->out_channels);
    if (own > 0 && levels != own)
        return ltd_fail(
            err, LTD_EUNSUPPORTED,
            "tensor \"%s\" is of %zu levels: a latent's pixel becomes %zu a side, but the model's "
            "own VAE has %zu levels, for %zu pixels",
            name, levels, vae_factor(vae_config(m->vae)), own, (size_t)1 << (own - 1));
    if (!vae_encodes(vae_config(m->vae)) && u->in_channels > u->out_channels)
        return ltd_fail(err, LTD_EUNSUPPORTED,
                        "it has no encoder, without which this model cannot be shown a picture");
    return LTD_OK;
}

enum ltd_status separate_vae_open(struct ltd_model *m, struct ltd_error *err)
{
    const char *path = m->vae_path;
    struct ltd_error why = {.message = ""};
    enum ltd_status st;
    struct stat is;

    if (stat(path, &is) != 0)
        return ltd_fail(err, LTD_ENOTFOUND, "%s: no such VAE", path);
    st = S_ISDIR(is.st_mode) ? open_folder(m, path, &why) : open_file(m, path, &why);
    if (st == LTD_OK)
        st = check_fit(m, &why);
    for (int i = 0; i < 2 && m->use == BIND_SHAPES; i++)
        if (m->vae_files[i])
            weight_set_close_files(m->vae_files[i]);
    if (st == LTD_OK)
        return LTD_OK;
    if (strncmp(why.message, path, strlen(path)) == 0)
        return ltd_fail(err, st, "%s", why.message);
    return ltd_fail(err, st, "%s: %s", path, why.message);
}

char *separate_vae_name(const char *path)
{
    size_t end = strlen(path), begin;
    char *name;
    bool whole;

    while (end > 1 && path[end - 1] == '/')
        end--;
    for (begin = end; begin > 0 && path[begin - 1] != '/';)
        begin--;
    name = strndup(path + begin, end - begin);
    whole = name && clip_utf8_valid((const uint8_t *)name, end - begin);
    for (char *c = name; c && *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F || (!whole && (unsigned char)*c >= 0x80))
            *c = '?';
    return name;
}
