#include "nn/layers.h"

void linear_bind(struct linear *l, struct binder *b, const char *name, size_t c_in, size_t c_out,
                 enum layer_bias bias)
{
    const size_t mark = binder_enter(b, "%s", name);

    l->weight = binder_matrix(b, "weight", c_out, c_in);
    l->bias = bias == WITH_BIAS ? binder_vector(b, "bias", c_out) : NULL;
    binder_leave(b, mark);
}

void linear_forward(const struct linear *l, struct exec *e, struct tensor y, struct tensor x)
{
    gemm_linear(e, y.data, x.data, tensor_rows(x), &l->weight, l->bias, NULL);
}

void linear_forward_add(const struct linear *l, struct exec *e, struct tensor y, struct tensor x)
{
    gemm_linear(e, y.data, x.data, tensor_rows(x), &l->weight, l->bias, y.data);
}

void linear_forward_geglu(const struct linear *l, struct exec *e, struct tensor y, struct tensor x)
{
    gemm_geglu(e, y.data, x.data, tensor_rows(x), &l->weight, l->bias);
}

static void bind_conv(struct conv2d *c, struct binder *b, const char *name, size_t c_in, size_t c_out,
                      size_t kernel, enum layer_bias bias)
{
    const size_t mark = binder_enter(b, "%s", name);

    *c = (struct conv2d){
        .c_in = c_in, .c_out = c_out, .kernel = kernel, .stride = 1, .pad_before = kernel / 2};
    c->weight = binder_conv(b, "weight", c_out, c_in, kernel);
    c->bias = bias == WITH_BIAS ? binder_vector(b, "bias", c_out) : NULL;
    binder_leave(b, mark);
}

void conv_bind(struct conv2d *c, struct binder *b, const char *name, size_t c_in, size_t c_out, size_t kernel)
{
    bind_conv(c, b, name, c_in, c_out, kernel, WITH_BIAS);
}

void conv_bind_unbiased(struct conv2d *c, struct binder *b, const char *name, size_t c_in, size_t c_out,
                        size_t kernel)
{
    bind_conv(c, b, name, c_in, c_out, kernel, WITHOUT_BIAS);
}

/* As torch's padding_mode circular: what pads the input elsewhere, and is not a part of the layer, stays
 * zero. */
static struct conv2d padded(const struct conv2d *c, const struct exec *e)
{
    struct conv2d conv = *c;

    conv.wraps = e->tiling && conv.pad_before > 0;
    return conv;
}

void conv_forward(const struct conv2d *c, struct exec *e, struct tensor y, struct tensor x)
{
    const struct conv2d conv = padded(c, e);

    conv2d(e, y, x, &conv, (struct tensor){0});
}

void conv_forward_add(const struct conv2d *c, struct exec *e, struct tensor y, struct tensor x)
{
    const struct conv2d conv = padded(c, e);

    conv2d(e, y, x, &conv, y);
}

void group_norm_bind(struct group_norm *n, struct binder *b, const char *name, size_t channels, size_t groups,
                     double eps)
{
    const size_t mark = binder_enter(b, "%s", name);

    if (groups == 0 || channels % groups != 0)
        binder_fail(b, LTD_EFORMAT, "%s: %s: %zu channels cannot be split into %zu norm groups", b->part,
                    b->prefix, channels, groups);
    *n = (struct group_norm){.groups = groups, .eps = eps};
    n->gamma = binder_vector(b, "weight", channels);
    n->beta = binder_vector(b, "bias", channels);
    binder_leave(b, mark);
}

void layer_norm_bind(struct layer_norm *n, struct binder *b, const char *name, size_t channels, double eps)
{
    const size_t mark = binder_enter(b, "%s", name);

    *n = (struct layer_norm){.eps = eps};
    n->gamma = binder_vector(b, "weight", channels);
    n->beta = binder_vector(b, "bias", channels);
    binder_leave(b, mark);
}
