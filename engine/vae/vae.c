#include "vae/vae.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/heap_list.h"
#include "vae/tiny_coder.h"
#include "vae/vae_coder.h"

struct vae {
    struct vae_config config;
    struct weight_set *weights;
    struct heap_list memory;
    struct vae_coder encoder, decoder;         /* of an AutoencoderKL */
    struct conv2d quant_conv, post_quant_conv; /* its, 1x1, where the config has them */
    struct tiny_coder tiny_encoder, tiny_decoder;
};

static void bind_kl(struct vae *v, struct binder *b)
{
    const size_t c = v->config.latent_channels;

    vae_encoder_bind(&v->encoder, b, &v->config);
    vae_decoder_bind(&v->decoder, b, &v->config);
    if (v->config.quant_conv)
        conv_bind(&v->quant_conv, b, "quant_conv", 2 * c, 2 * c, 1);
    if (v->config.post_quant_conv)
        conv_bind(&v->post_quant_conv, b, "post_quant_conv", c, c, 1);
}

static void bind_tiny(struct vae *v, struct binder *b)
{
    if (vae_encodes(&v->config))
        tiny_encoder_bind(&v->tiny_encoder, b, &v->config);
    tiny_decoder_bind(&v->tiny_decoder, b, &v->config);
}

static enum ltd_status bind(struct vae *v, enum bind_use use, struct bind_report *report,
                            struct ltd_error *err)
{
    struct binder b;
    enum ltd_status st = binder_init(&b, "vae", v->weights, &v->memory, report, err);

    if (st != LTD_OK)
        return st;
    b.use = use;
    (v->config.tiny ? bind_tiny : bind_kl)(v, &b);
    st = binder_finish(&b);
    if (st == LTD_OK && use == BIND_SHAPES)
        weight_set_close_files(v->weights);
    return st;
}

enum ltd_status vae_open(const char *dir, enum bind_use use, struct bind_report *report, struct vae **out,
                         struct ltd_error *err)
{
    struct vae *v = calloc(1, sizeof *v);
    char path[4096];
    enum ltd_status st;

    if (!v)
        return ltd_fail(err, LTD_ENOMEM, "no memory for the VAE");
    snprintf(path, sizeof path, "%s/config.json", dir);
    st = vae_config_read(path, &v->config, err);
    if (st == LTD_OK)
        st = weight_set_open(dir, "diffusion_pytorch_model", &v->weights, err);
    if (st == LTD_OK)
        st = bind(v, use, report, err);
    if (st == LTD_OK && !report)
        *out = v;
    else
        vae_close(v);
    return st;
}

enum ltd_status vae_open_set(const struct ltd_json *config, const char *file, struct weight_set *weights,
                             enum bind_use use, struct vae **out, struct ltd_error *err)
{
    struct vae *v = calloc(1, sizeof *v);
    enum ltd_status st;

    if (!v) {
        weight_set_close(weights);
        return ltd_fail(err, LTD_ENOMEM, "no memory for the VAE");
    }
    v->weights = weights;
    st = vae_config_parse(config, file, &v->config, err);
    if (st == LTD_OK)
        st = bind(v, use, NULL, err);
    if (st == LTD_OK)
        *out = v;
    else
        vae_close(v);
    return st;
}

void vae_close(struct vae *v)
{
    if (!v)
        return;
    heap_list_fini(&v->memory);
    weight_set_close(v->weights);
    free(v);
}

const struct vae_config *vae_config(const struct vae *v)
{
    return &v->config;
}

const struct weight_set *vae_weights(const struct vae *v)
{
    return v->weights;
}

/* post_quant_conv(latent), or the latent itself */
static struct tensor prepare_latent(const struct vae *v, struct exec *e, struct tensor latent)
{
    struct tensor z;

    exec_stage(e, "in", -1);
    if (!v->config.post_quant_conv)
        return latent;
    z = exec_like(e, latent);
    conv_forward(&v->post_quant_conv, e, z, latent);
    return z;
}

void vae_decode(const struct vae *v, struct exec *e, struct tensor image, struct tensor latent)
{
    const size_t mark = exec_mark(e);

    if (v->config.tiny)
        tiny_decoder_forward(&v->tiny_decoder, e, image, latent);
    else
        vae_decoder_forward(&v->decoder, e, image, prepare_latent(v, e, latent));
    exec_rewind(e, mark);
}

void vae_encode(const struct vae *v, struct exec *e, struct tensor encoded, struct tensor image)
{
    const size_t mark = exec_mark(e);
    struct tensor m;

    if (v->config.tiny) {
        tiny_encoder_forward(&v->tiny_encoder, e, encoded, image);
        return;
    }
    if (!v->config.quant_conv) {
        vae_encoder_forward(&v->encoder, e, encoded, image);
        return;
    }
    m = exec_like(e, encoded);
    vae_encoder_forward(&v->encoder, e, m, image);
    conv_forward(&v->quant_conv, e, encoded, m);
    exec_rewind(e, mark);
}

size_t vae_level_tensor(const struct vae *v, char out[VAE_TENSOR_NAME_SIZE])
{
    const struct tiny_half *half = &v->config.decoder;
    size_t layer = 2 * half->levels; /* conv_in, its activation, and two between one level and the next */

    for (size_t i = 0; i < half->levels; i++)
        layer += half->blocks[i];
    if (v->config.tiny)
        snprintf(out, VAE_TENSOR_NAME_SIZE, "decoder.layers.%zu.weight", layer);
    else
        snprintf(out, VAE_TENSOR_NAME_SIZE, "decoder.up_blocks.%zu.resnets.0.conv1.weight",
                 v->config.levels - 1);
    return v->config.levels;
}

const char *vae_latent_tensor(const struct vae *v)
{
    return v->config.tiny ? "decoder.layers.0.weight" : "decoder.conv_in.weight";
}

void vae_decoder_keys(const struct vae *v, struct exec *e, struct tensor y, struct tensor latent)
{
    const size_t mark = exec_mark(e);

    vae_decoder_keys_forward(&v->decoder, e, y, prepare_latent(v, e, latent));
    exec_rewind(e, mark);
}

void vae_encoder_keys(const struct vae *v, struct exec *e, struct tensor y, struct tensor image)
{
    vae_encoder_keys_forward(&v->encoder, e, y, image);
}
