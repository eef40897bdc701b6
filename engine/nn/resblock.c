#include "nn/resblock.h"

#include "kernels/elementwise.h"

void resblock_bind(struct resblock *r, struct binder *b, const struct resblock_config *config)
{
    const size_t c_in = config->c_in, c_out = config->c_out;

    r->config = *config;
    group_norm_bind(&r->norm1, b, "norm1", c_in, config->groups, config->eps);
    conv_bind(&r->conv1, b, "conv1", c_in, c_out, 3);
    if (config->time != TIME_NONE)
        linear_bind(&r->time_proj, b, "time_emb_proj", config->c_time, resblock_time_channels(config),
                    WITH_BIAS);
    group_norm_bind(&r->norm2, b, "norm2", c_out, config->groups, config->eps);
    conv_bind(&r->conv2, b, "conv2", c_out, c_out, 3);
    if (c_in != c_out)
        conv_bind(&r->shortcut, b, "conv_shortcut", c_in, c_out, 1);
}

void resblock_time_forward(const struct resblock *r, struct exec *e, struct tensor y, struct tensor x)
{
    linear_forward(&r->time_proj, e, y, x);
}

/* silu(norm2(h)), with the time added before or scaling and shifting after the norm */
static void second_norm(const struct resblock *r, struct exec *e, struct tensor h, struct tensor time)
{
    if (r->config.time == TIME_ADD)
        add_per_channel(e, h, time);
    group_norm(e, h, h, &r->norm2, r->config.time != TIME_SCALE_SHIFT);
    if (r->config.time == TIME_SCALE_SHIFT) {
        scale_shift_per_channel(e, h, time);
        activate(e, h, h, ACTIVATION_SILU);
    }
}

void resblock_forward(const struct resblock *r, struct exec *e, struct tensor y, struct tensor x,
                      struct tensor time, enum resblock_input input)
{
    const size_t mark = exec_mark(e);
    struct tensor h = exec_like(e, y);                            /* [n, h, w, c_out] */
    struct tensor a = input == SPEND_INPUT ? x : exec_like(e, x); /* [n, h, w, c_in] */

    if (r->config.c_in != r->config.c_out)
        conv_forward(&r->shortcut, e, y, x);
    else
        copy_tensor(e, y, x);
    group_norm(e, a, x, &r->norm1, true);
    conv_forward(&r->conv1, e, h, a);
    second_norm(r, e, h, time);
    conv_forward_add(&r->conv2, e, y, h);
    if (r->config.output_scale != 1.0)
        scale_by(e, y, y, 1.0 / r->config.output_scale);
    exec_rewind(e, mark);
}
