/* control_net_open.c - a control network from its folder or its file. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/config_reader.h"
#include "unet/control_net.h"
#include "unet/control_net_parts.h"
#include "weights/compvis.h"

#define HINT "controlnet_cond_embedding"

static const struct weight *hint_weight(const struct weight_set *weights, const char *layer)
{
    char name[128];
    const struct weight *w;

    snprintf(name, sizeof name, HINT ".%s.weight", layer);
    w = weight_set_find(weights, name);
    return w && w->rank == 4 ? w : NULL;
}

static enum ltd_status fail_no_hint(struct ltd_error *err)
{
    return ltd_fail(err, LTD_EUNSUPPORTED, "is no ControlNet: there is no tensor %s.conv_in.weight", HINT);
}

/* The channels before each halving, and after the last one, as the tensors have them. */
static enum ltd_status read_hint(struct control_net *net, size_t channels[CONTROL_NET_MAX_HALVINGS + 1],
                                 struct ltd_error *err)
{
    const struct weight *w = hint_weight(net->encoder.weights, "conv_in");
    char layer[32];

    if (!w)
        return fail_no_hint(err);
    channels[0] = w->dim[0];
    for (;;) {
        snprintf(layer, sizeof layer, "blocks.%zu", 2 * net->halvings + 1);
        w = hint_weight(net->encoder.weights, layer);
        if (!w)
            return LTD_OK;
        if (net->halvings == CONTROL_NET_MAX_HALVINGS)
            return ltd_fail(err, LTD_EUNSUPPORTED, "its picture is halved more than %d times",
                            CONTROL_NET_MAX_HALVINGS);
        channels[++net->halvings] = w->dim[0];
    }
}

static void bind_hint(struct control_net *net, struct binder *b, const size_t *channels)
{
    const size_t mark = binder_enter(b, HINT), last = 2 * net->halvings + 1;
    char name[32];

    conv_bind(&net->hint[0], b, "conv_in", 3, channels[0], 3);
    for (size_t i = 1; i < last; i++) {
        snprintf(name, sizeof name, "blocks.%zu", i - 1);
        conv_bind(&net->hint[i], b, name, channels[(i - 1) / 2], channels[i / 2], 3);
        net->hint[i].stride = i % 2 == 0 ? 2 : 1;
    }
    conv_bind(&net->hint[last], b, "conv_out", channels[net->halvings], net->encoder.config.level[0].channels,
              3);
    binder_leave(b, mark);
}

/* The channels of each feature map in turn. */
static void bind_zeros(struct control_net *net, struct binder *b)
{
    const struct unet_config *c = &net->encoder.config;
    const size_t deepest = c->level[c->levels - 1].channels;
    size_t count = 0;
    char name[48];

    for (size_t i = 0; i < c->levels; i++) {
        const size_t maps = c->level[i].layers + (i + 1 < c->levels) + (i == 0);

        for (size_t j = 0; j < maps; j++) {
            snprintf(name, sizeof name, "controlnet_down_blocks.%zu", count);
            conv_bind(&net->zero[count++], b, name, c->level[i].channels, c->level[i].channels, 1);
        }
    }
    conv_bind(&net->zero_mid, b, "controlnet_mid_block", deepest, deepest, 1);
}

static enum ltd_status bind(struct control_net *net, enum bind_use use, struct ltd_error *err)
{
    size_t channels[CONTROL_NET_MAX_HALVINGS + 1];
    enum ltd_status st = read_hint(net, channels, err);
    struct binder b;

    if (st == LTD_OK)
        st = binder_init(&b, "ControlNet", net->encoder.weights, &net->encoder.memory, NULL, err);
    if (st != LTD_OK)
        return st;
    b.use = use;
    unet_bind_encoder(&net->encoder, &b);
    bind_hint(net, &b, channels);
    bind_zeros(net, &b);
    return binder_finish(&b);
}

/* Its feature maps are to be added to the base's, and it is told the same of the text. */
static enum ltd_status check_base(const struct unet_config *c, const struct unet_config *base,
                                  struct ltd_error *err)
{
    const struct {
        const char *what;
        size_t own, wanted;
    } same[] = {
        {"channels of text", c->context_channels, base->context_channels},
        {"channels of latents", c->in_channels, base->in_channels},
        {"levels", c->levels, base->levels},
        {"channels beside the timestep", c->added_channels, base->added_channels},
        {"of those a size", c->added_size_channels, base->added_size_channels},
        {"for downsample_padding", c->downsample_padding, base->downsample_padding},
    };

    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        if (same[i].own != same[i].wanted)
            return ltd_fail(err, LTD_EUNSUPPORTED,
                            "is made for another model: it has %zu %s, and this model's U-Net %zu",
                            same[i].own, same[i].what, same[i].wanted);
    for (size_t i = 0; i < c->levels; i++)
        if (c->level[i].channels != base->level[i].channels || c->level[i].layers != base->level[i].layers)
            return ltd_fail(
                err, LTD_EUNSUPPORTED,
                "is made for another model: its level %zu has %zu layers of %zu channels, and that "
                "of this model's U-Net %zu of %zu",
                i, c->level[i].layers, c->level[i].channels, base->level[i].layers, base->level[i].channels);
    if (c->mid == UNET_MID_NONE)
        return ltd_fail(err, LTD_EUNSUPPORTED, "has no middle block");
    return LTD_OK;
}

static enum ltd_status read_config(const char *dir, struct unet_config *config, struct ltd_error *err)
{
    struct ltd_json *json = NULL;
    struct config_reader r = {.file = "config.json", .err = err};
    char path[4096];
    enum ltd_status st;

    snprintf(path, sizeof path, "%s/config.json", dir);
    st = config_read_file(path, CONFIG_MAX_BYTES, &json, err);
    if (st == LTD_OK)
        st = unet_config_parse(json, r.file, "ControlNetModel", config, err);
    if (st == LTD_OK) {
        r.json = json;
        config_refuse(&r, "controlnet_conditioning_channel_order", "rgb");
        config_refuse(&r, "global_pool_conditions", NULL);
        st = r.status;
    }
    ltd_json_free(json);
    return st;
}

/* How many of a printf'd name with 0., 1., ... behind it there are. */
__attribute__((format(printf, 2, 3))) static size_t count_of(const struct weight_set *weights,
                                                             const char *format, ...)
{
    char name[128];
    va_list args;

    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    return compvis_count(weights, name);
}

/* A size of a tensor of that rank; where there is none, as it was. */
static void guess_size(const struct weight_set *weights, const char *name, int rank, int dim, size_t *size)
{
    const struct weight *w = weight_set_find(weights, name);

    if (w && w->rank == rank)
        *size = w->dim[dim];
}

/* Small networks attend less than their base, or nowhere. */
static void guess_level(const struct weight_set *weights, size_t i, struct unet_level *level)
{
    const size_t layers = count_of(weights, "down_blocks.%zu.resnets.", i);
    char name[128];

    snprintf(name, sizeof name, "down_blocks.%zu.resnets.0.conv1.weight", i);
    guess_size(weights, name, 4, 0, &level->channels);
    level->layers = layers < UNET_MAX_LAYERS ? layers : UNET_MAX_LAYERS;
    level->attention_down = true; /* of a depth that may be 0 */
    for (size_t j = 0; j < level->layers; j++)
        level->depth_down[j] = count_of(weights, "down_blocks.%zu.attentions.%zu.transformer_blocks.", i, j);
}

static void guess_text(const struct weight_set *weights, size_t *channels)
{
    static const char keys[] = ".attn2.to_k.weight";

    for (size_t i = 0; i < weight_set_count(weights); i++) {
        const char *name = weight_set_at(weights, i)->name;
        const size_t length = strlen(name), tail = sizeof keys - 1;

        if (length > tail && strcmp(name + length - tail, keys) == 0)
            guess_size(weights, name, 2, 1, channels);
    }
}

/* A file without a config is like the base in what its tensors do not show. */
static void guess_config(const struct weight_set *weights, const struct unet_config *base,
                         struct unet_config *config)
{
    const size_t levels = count_of(weights, "down_blocks.");

    *config = *base;
    config->guidance_channels = 0;
    config->center_input = false;
    config->levels = levels < UNET_MAX_LEVELS ? levels : UNET_MAX_LEVELS;
    for (size_t i = 0; i < config->levels; i++)
        guess_level(weights, i, &config->level[i]);
    config->mid_depth = count_of(weights, "mid_block.attentions.0.transformer_blocks.");
    config->mid = config->mid_depth > 0 ? UNET_MID_CROSS_ATTENTION : UNET_MID_PLAIN;
    guess_text(weights, &config->context_channels);
    guess_size(weights, "conv_in.weight", 4, 1, &config->in_channels);
    config->added_channels = 0;
    guess_size(weights, "add_embedding.linear_1.weight", 2, 1, &config->added_channels);
    if (config->added_channels == 0)
        config->added_size_channels = 0;
}

/* Its weights under diffusers' names. */
static enum ltd_status open_weights(struct control_net *net, const char *path, struct ltd_error *err)
{
    struct weight_set **weights = &net->encoder.weights;
    struct compvis_control control;
    enum ltd_status st = weight_set_open_unnamed(path, weights, err);

    if (st != LTD_OK || !compvis_has_control(*weights))
        return st;
    net->file = *weights;
    *weights = NULL;
    st = compvis_control_read(net->file, "the file", &control, err);
    return st == LTD_OK ? weight_set_view(net->file, "the file", compvis_control_name, &control, weights, err)
                        : st;
}

static enum ltd_status open_file(struct control_net *net, const char *path, const struct unet_config *base,
                                 struct ltd_error *err)
{
    const char *slash = strrchr(path, '/');
    enum ltd_status st;

    /* As such files say it, and nothing else does. */
    if (strcasestr(slash ? slash : path, "shuffle"))
        return ltd_fail(err, LTD_EUNSUPPORTED,
                        "is made to shuffle, by its name: such networks take the mean of what they add, "
                        "which is not built");
    st = open_weights(net, path, err);
    if (st != LTD_OK)
        return st;
    if (!hint_weight(net->encoder.weights, "conv_in"))
        return fail_no_hint(err);
    guess_config(net->encoder.weights, base, &net->encoder.config);
    return check_base(&net->encoder.config, base, err);
}

static enum ltd_status open_folder(struct control_net *net, const char *path, const struct unet_config *base,
                                   struct ltd_error *err)
{
    enum ltd_status st = read_config(path, &net->encoder.config, err);

    if (st == LTD_OK)
        st = check_base(&net->encoder.config, base, err);
    return st == LTD_OK ? weight_set_open(path, "diffusion_pytorch_model", &net->encoder.weights, err) : st;
}

static enum ltd_status open_net(struct control_net *net, const char *path, const struct unet_config *base,
                                enum bind_use use, struct ltd_error *err)
{
    struct stat is;
    enum ltd_status st;

    if (base->mid == UNET_MID_NONE)
        return ltd_fail(err, LTD_EUNSUPPORTED,
                        "this model's U-Net has no middle block, and takes no ControlNet");
    st = (stat(path, &is) == 0 && S_ISDIR(is.st_mode) ? open_folder : open_file)(net, path, base, err);
    return st == LTD_OK ? bind(net, use, err) : st;
}

static void close_weights(struct control_net *net)
{
    weight_set_close(net->encoder.weights);
    weight_set_close(net->file);
    net->encoder.weights = net->file = NULL;
}

enum ltd_status control_net_open(const char *path, const struct unet_config *base, enum bind_use use,
                                 struct control_net **out, struct ltd_error *err)
{
    struct control_net *net = calloc(1, sizeof *net);
    enum ltd_status st;

    if (!net)
        return ltd_fail(err, LTD_ENOMEM, "no memory for a ControlNet");
    st = open_net(net, path, base, use, err);
    if (st == LTD_OK && use == BIND_SHAPES)
        close_weights(net);
    if (st == LTD_OK)
        *out = net;
    else
        control_net_close(net);
    return st;
}

void control_net_close(struct control_net *net)
{
    if (!net)
        return;
    heap_list_fini(&net->encoder.memory);
    close_weights(net);
    free(net);
}
