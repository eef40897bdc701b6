/*
 * conv_winograd.h - 3x3 convolutions by Winograd's minimal filtering, F(4x4, 3x3): 36 multiplications for 16
 * outputs instead of 144, at the price of an error of 1e-5 to 5e-5 of the outputs' spread where direct
 * convolution has 4e-7.
 */
#ifndef CONV_WINOGRAD_H
#define CONV_WINOGRAD_H

#include <stdbool.h>

#include "kernels/conv2d.h"

/* Whether it can and should be used: a function of the convolution and of one item's size, never of the
 * number of items or threads. */
bool conv_winograd_suits(const struct conv2d *conv, struct tensor y);

/* As conv2d. */
void conv_winograd(struct exec *e, struct tensor y, struct tensor x, const struct conv2d *conv,
                   struct tensor addend);

#endif
