#include "nn/weight_values.h"

#include <stdint.h>
#include <string.h>

#include "kernels/dequantize.h"
#include "kernels/vector_ops.h"

/* Values that are brought to an even address at a time. */
#define PIECE 256

void weight_to_f32(const struct weight *weight, float *out)
{
    const struct vector_ops *v = vector_ops();
    const uint8_t *from = weight->data;

    if (weight->dtype == DTYPE_F32) {
        memcpy(out, from, weight->count * sizeof *out);
        return;
    }
    if (dtype_is_quantized(weight->dtype)) {
        dequantize(out, weight->dtype, from, 0, weight->count);
        return;
    }
    for (size_t i = 0; i < weight->count; i += PIECE) {
        const size_t n = weight->count - i < PIECE ? weight->count - i : PIECE;
        uint16_t halves[PIECE];

        memcpy(halves, from + i * sizeof *halves, n * sizeof *halves);
        (weight->dtype == DTYPE_F16 ? v->f16_to_f32 : v->bf16_to_f32)(out + i, halves, n);
    }
}
