/*
 * layers.h - the layers that every network is made of: linear, convolution, norms.
 *
 * Each has a _bind that takes its weights under the binder's prefix + name, and a _forward.
 */
#ifndef LAYERS_H
#define LAYERS_H

#include <stdbool.h>
#include <stddef.h>

#include "kernels/conv2d.h"
#include "kernels/gemm.h"
#include "kernels/group_norm.h"
#include "nn/binder.h"
#include "tensor/exec.h"

/* torch.nn.Linear: weight [c_out, c_in], bias [c_out] or none */
struct linear {
    struct matrix weight;
    const float *bias;
};

enum layer_bias { WITHOUT_BIAS, WITH_BIAS };

void linear_bind(struct linear *l, struct binder *b, const char *name, size_t c_in, size_t c_out,
                 enum layer_bias bias);
/* y [.., c_out] = x [.., c_in] w^T + bias */
void linear_forward(const struct linear *l, struct exec *e, struct tensor y, struct tensor x);
/* y += x w^T + bias */
void linear_forward_add(const struct linear *l, struct exec *e, struct tensor y, struct tensor x);

/* y [.., c] = h * gelu(g), [h | g] [.., 2c] = x l^T + bias */
void linear_forward_geglu(const struct linear *l, struct exec *e, struct tensor y, struct tensor x);

/* torch.nn.Conv2d with a square kernel, bias and stride 1 until the caller sets another */
void conv_bind(struct conv2d *c, struct binder *b, const char *name, size_t c_in, size_t c_out,
               size_t kernel);
/* The same without a bias. */
void conv_bind_unbiased(struct conv2d *c, struct binder *b, const char *name, size_t c_in, size_t c_out,
                        size_t kernel);
/* y = conv(x) */
void conv_forward(const struct conv2d *c, struct exec *e, struct tensor y, struct tensor x);
/* y += conv(x) */
void conv_forward_add(const struct conv2d *c, struct exec *e, struct tensor y, struct tensor x);

void group_norm_bind(struct group_norm *n, struct binder *b, const char *name, size_t channels, size_t groups,
                     double eps);
void layer_norm_bind(struct layer_norm *n, struct binder *b, const char *name, size_t channels, double eps);

#endif
