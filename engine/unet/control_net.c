#include "unet/control_net.h"

#include "kernels/elementwise.h"
#include "unet/control_net_parts.h"
#include "unet/unet_pass.h"

size_t control_net_factor(const struct control_net *net)
{
    return (size_t)1 << net->halvings;
}

const struct unet *control_net_encoder(const struct control_net *net)
{
    return &net->encoder;
}

size_t unet_skip_count(const struct unet_config *c)
{
    size_t count = c->levels; /* conv_in's, and the resampled ones */

    for (size_t i = 0; i < c->levels; i++)
        count += c->level[i].layers;
    return count;
}

void unet_control_take(const struct unet_config *c, struct exec *e, struct unet_control *control,
                       struct tensor latent)
{
    size_t h = latent.h, w = latent.w, count = 0;

    control->skip[count++] = exec_tensor(e, latent.n, h, w, c->level[0].channels);
    for (size_t i = 0; i < c->levels; i++) {
        for (size_t j = 0; j < c->level[i].layers; j++)
            control->skip[count++] = exec_tensor(e, latent.n, h, w, c->level[i].channels);
        if (i + 1 == c->levels)
            break;
        h = (h + c->downsample_padding) / 2;
        w = (w + c->downsample_padding) / 2;
        control->skip[count++] = exec_tensor(e, latent.n, h, w, c->level[i].channels);
    }
    control->mid = exec_tensor(e, latent.n, h, w, c->level[c->levels - 1].channels);
}

/* ControlNetConditioningEmbedding */
void control_net_hint(const struct control_net *net, struct exec *e, struct tensor y, struct tensor picture)
{
    const size_t mark = exec_mark(e), last = 2 * net->halvings + 1;
    struct tensor x = picture;

    for (size_t i = 0; i < last; i++) {
        const struct conv2d *conv = &net->hint[i];
        struct tensor h = exec_tensor(e, 1, x.h / conv->stride, x.w / conv->stride, conv->c_out);

        conv_forward(conv, e, h, x);
        activate(e, h, h, ACTIVATION_SILU);
        x = h;
    }
    conv_forward(&net->hint[last], e, y, x);
    exec_rewind(e, mark);
}

/* sum = weight * zero(x), or += */
static void add_zero(const struct conv2d *zero, struct exec *e, struct tensor sum, bool add, double weight,
                     struct tensor x)
{
    const size_t mark = exec_mark(e);
    struct tensor y = add ? exec_like(e, sum) : sum;

    conv_forward(zero, e, y, x);
    if (add)
        add_scaled(e, sum, y, weight);
    else
        scale_by(e, sum, sum, weight);
    exec_rewind(e, mark);
}

void control_net_forward(const struct control_net *net, struct exec *e, struct unet_control *sum, bool add,
                         double weight, struct tensor x, struct tensor hint, const struct unet_input *input)
{
    const struct unet *u = &net->encoder;
    const size_t mark = exec_mark(e);
    struct pass p = {
        .exec = e, .input = input, .items = sum->mid.n, .times_differ = u->config.added_channels > 0};
    struct tensor h;

    exec_stage(e, "control", -1);
    h = unet_enter(&p, u, x, p.items);
    add_scaled(e, h, hint, 1);
    h = unet_encode(&p, u, h);
    exec_stage(e, "control", -1);
    for (size_t i = 0; i < p.skips.count; i++)
        add_zero(&net->zero[i], e, sum->skip[i], add, weight, p.skips.stack[i]);
    add_zero(&net->zero_mid, e, sum->mid, add, weight, h);
    exec_rewind(e, mark);
}
