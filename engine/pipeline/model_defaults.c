/* model_defaults.c - what a request to this model is when it says nothing. */
#include "pipeline/model_parts.h"

#include <string.h>

#include "base/config_reader.h"

#define DEFAULT(name, value) static const double default_##name = value;
#include "pipeline/defaults.def"
#undef DEFAULT

/* The wire name under `key` by its table; `absent` where the file does not say. */
static int read_name(struct config_reader *r, const char *key, int (*find)(const char *), int absent)
{
    const char *name = config_text(r, key, NULL);
    const int id = name ? find(name) : absent;

    if (id < 0)
        config_fail(r, LTD_EFORMAT, "%s \"%.80s\" is unknown", key, name);
    return id < 0 ? absent : id;
}

static void read_recommended(struct config_reader *r, struct ltd_gen_params *p)
{
    p->steps = (int)config_size(r, "steps", (size_t)p->steps, 1, 1000);
    p->cfg_scale = config_real(r, "cfg_scale", p->cfg_scale, 0, 100);
    p->sampler = (enum ltd_sampler)read_name(r, "sampler", ltd_sampler_find, (int)p->sampler);
    p->scheduler = (enum ltd_scheduler)read_name(r, "scheduler", ltd_scheduler_find, (int)p->scheduler);
    p->precision = (enum ltd_precision)read_name(r, "precision", ltd_precision_find, (int)p->precision);
    p->width = (int)config_size(r, "width", (size_t)p->width, 1, MODEL_MAX_SIDE);
    p->height = (int)config_size(r, "height", (size_t)p->height, 1, MODEL_MAX_SIDE);
}

/* The size the U-Net was trained at, else the VAE's. */
static void native_size(struct ltd_model *m)
{
    const struct unet_config *u = unet_config(m->unet);
    const struct own_vae *v = &m->own_vae;
    const size_t factor = vae_factor(vae_config(m->vae));
    size_t width = u->sample_width * factor, height = u->sample_height * factor;

    if (width == 0 || height == 0) {
        width = v->sample_width;
        height = v->sample_height;
    }
    if (width < factor || height < factor || width > MODEL_MAX_SIDE || height > MODEL_MAX_SIDE)
        width = height = (size_t)default_NATIVE_SIDE;
    m->info.native_width = (int)(width - width % factor);
    m->info.native_height = (int)(height - height % factor);
}

static void from_configs(struct ltd_model *m)
{
    const int sampler = schedule_config_sampler(m->schedule);
    const bool edits = m->info.edits;

    native_size(m);
    m->recommended = (struct ltd_gen_params){
        .prompt = "",
        .negative_prompt = "",
        .steps = (int)default_STEPS,
        .cfg_scale = default_CFG_SCALE,
        .sampler = sampler < 0 ? LTD_SAMPLER_DDIM : (enum ltd_sampler)sampler,
        .scheduler = LTD_SCHEDULER_MODEL,
        .width = m->info.native_width,
        .height = m->info.native_height,
        .count = 1,
        .image_guidance_scale = edits ? default_IMAGE_GUIDANCE : 0,
        .strength = edits ? 1 : default_STRENGTH, /* diffusers' pipeline that edits begins with noise alone */
        .masked_content = LTD_MASKED_ORIGINAL,
        .guidance_end = 1,
        .eta = LTD_ETA_STANDARD,
        .s_noise = 1,
        .deepcache_interval = 1,
        .profile = LTD_PROFILE_DIFFUSERS,
        .numerics = LTD_NUMERICS_DEFAULT,
        .precision = LTD_PRECISION_F32,
    };
}

enum ltd_status model_defaults_read(struct ltd_model *m, struct ltd_error *err)
{
    struct config_reader r = {.json = m->settings.json, .file = m->settings.path, .err = err};

    from_configs(m);
    if (!r.json)
        return LTD_OK;
    read_recommended(&r, &m->recommended);
    m->about = strdup(config_text(&r, "about", ""));
    if (r.status == LTD_OK && !m->about)
        return ltd_fail(err, LTD_ENOMEM, "no memory for the model");
    return r.status;
}
