/*
 * attention.h - scaled dot-product attention over heads.
 */
#ifndef ATTENTION_H
#define ATTENTION_H

#include <stdbool.h>

#include "tensor/exec.h"

/* out [n, tokens, heads * d] = softmax(q k^T * scale) v for each head (Vaswani et al. 2017), where head i has
 * the channels [i * d, (i + 1) * d).  q [n, tokens, heads * d]; k and v [n, keys, heads * d].  causal: token
 * i sees keys 0..i. out overlaps none of them. */
void attention(struct exec *e, struct tensor out, struct tensor q, struct tensor k, struct tensor v,
               size_t heads, double scale, bool causal);

#endif
