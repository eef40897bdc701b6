#include "tensor/dtype.h"

const struct dtype_layout dtype_layouts[DTYPE_COUNT] = {
#define DTYPE(name, text, values, bytes, scales, scales_at) {text, values, bytes, scales, scales_at},
#include "tensor/dtype.def"
#undef DTYPE
};
