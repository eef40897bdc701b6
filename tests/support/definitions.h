/*
 * definitions.h - the kernels as their papers define them: one value at a time, in double, rounded to f32
 * once at the end.  They are the judges of the fast ones, so they share no code with them.
 */
#ifndef DEFINITIONS_H
#define DEFINITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/conv2d.h"
#include "kernels/group_norm.h"
#include "tensor/tensor.h"

double f16_by_definition(uint16_t code); /* IEEE 754 binary16 */
double bf16_by_definition(uint16_t code);
double nearest_bf16(double x); /* of 8 significant bits; of two as near, the even one */

double silu_by_definition(double x);       /* x / (1 + e^-x) */
double quick_gelu_by_definition(double x); /* x / (1 + e^(-1.702 x)) */
double gelu_by_definition(double x);       /* x times the normal distribution's share below x */

/* out [n] = softmax(x * scale); out may be x. */
void softmax_by_definition(double *out, const double *x, double scale, size_t n);

/* y [m, n] = x [m, k] w [n, k]^T + bias [n] + addend [m, n]; bias and addend may be NULL. */
void linear_by_definition(float *y, const float *x, const float *w, const float *bias, const float *addend,
                          size_t m, size_t n, size_t k);

/* As conv2d; weight [c_out, kernel, kernel, c_in] stands for conv->weight, addend may be NULL. */
void conv2d_by_definition(struct tensor y, struct tensor x, const struct conv2d *conv, const float *weight,
                          const float *addend);

void group_norm_by_definition(struct tensor y, struct tensor x, const struct group_norm *norm, bool silu);
void layer_norm_by_definition(struct tensor y, struct tensor x, const struct layer_norm *norm);

void attention_by_definition(struct tensor out, struct tensor q, struct tensor k, struct tensor v,
                             size_t heads, double scale, bool causal);

#endif
