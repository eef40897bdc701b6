/*
 * lora.h - what a module of an adapter file makes of the weight of a layer.
 *
 * W, [out, in] or [out, in, k, k], becomes W + s D.  With two matrices, or two and a core, that are
 * multiplied (up and down), the change D is
 *
 *   low-rank    up down                            s = strength * alpha / rank
 *   Hadamard    (up1 down1) * (up2 down2)          the same
 *   Kronecker   W1 (x) W2, each whole or up down   the same; strength alone where both are whole
 *   difference  D                                  strength
 *
 * and with a magnitude m it becomes m V / |V|, V = W + s D, row by row (Liu et al. 2024, "DoRA"; PEFT's
 * arithmetic).  What kohya's trainer and LyCORIS write goes row by row or column by column, as m's shape
 * says; there the strength is no part of s, but is what the whole change is multiplied by (AUTOMATIC1111's
 * arithmetic).
 */
#ifndef LORA_H
#define LORA_H

#include <latentd/error.h>

#include "tensor/exec.h"
#include "weights/lora_file.h"

/* Whether the module's parts fit each other and the layer; bias is NULL where it has none.  Errors:
 * LTD_EUNSUPPORTED (names the tensor, and what was expected). */
LTD_MUST_USE enum ltd_status lora_check(const struct lora_module *module, const struct weight *weight,
                                        const struct weight *bias, struct ltd_error *err);

/* values, what W is by now, += m V / |V| - W, or s D.  Of several adapters each is given the file's W: the
 * order does not matter but for rounding.  The module has passed lora_check.  Not for a module with a bias'
 * difference alone. */
void lora_add(const struct lora_module *module, struct exec *e, float *values, const struct weight *weight,
              double strength);
/* values [out] += strength times the bias' difference, if the module has one. */
void lora_add_bias(const struct lora_module *module, float *values, double strength);

/* Whether the module changes the weight: not where it has a bias' difference alone. */
bool lora_changes_weight(const struct lora_module *module);

#endif
