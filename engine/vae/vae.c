#include "vae/vae.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/heap_list.h"
#include "vae/vae_coder.h"

struct vae {
    struct vae_config config;
    struct weight_set *weights;
    struct heap_list memory;
    struct vae_coder encoder, decoder;
    struct conv2d quant_conv, post_quant_conv; /* 1x1, where the config has them */
};

static enum ltd_status bind(struct vae *v, struct bind_report *report, struct ltd_error *err)
{
    const size_t c = v->config.latent_channels;
    struct binder b;
    enum ltd_status st = binder_init(&b, "vae", v->weights, &v->memory, report, err);

    if (st != LTD_OK)
        return st;
    vae_encoder_bind(&v->encoder, &b, &v->config);
    vae_decoder_bind(&v->decoder, &b, &v->config);
    if (v->config.quant_conv)
        conv_bind(&v->quant_conv, &b, "quant_conv", 2 * c, 2 * c, 1);
    if (v->config.post_quant_conv)
        conv_bind(&v->post_quant_conv, &b, "post_quant_conv", c, c, 1);
    return binder_finish(&b);
}

enum ltd_status vae_open(const char *dir, struct bind_report *report, struct vae **out, struct ltd_error *err)
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
        st = bind(v, report, err);
    if (st == LTD_OK && !report)
        *out = v;
    else
        vae_close(v);
    return st;
}

enum ltd_status vae_open_set(const struct ltd_json *config, const char *file, struct weight_set *weights,
                             struct vae **out, struct ltd_error *err)
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
        st = bind(v, NULL, err);
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

    vae_decoder_forward(&v->decoder, e, image, prepare_latent(v, e, latent));
    exec_rewind(e, mark);
}

void vae_encode(const struct vae *v, struct exec *e, struct tensor moments, struct tensor image)
{
    const size_t mark = exec_mark(e);
    struct tensor m;

    if (!v->config.quant_conv) {
        vae_encoder_forward(&v->encoder, e, moments, image);
        return;
    }
    m = exec_like(e, moments);
    vae_encoder_forward(&v->encoder, e, m, image);
    conv_forward(&v->quant_conv, e, moments, m);
    exec_rewind(e, mark);
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
