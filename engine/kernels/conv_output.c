#include "kernels/conv_output.h"

#include "kernels/vector_ops.h"

void conv_output_write(const struct conv2d *conv, struct tensor y, struct tensor addend, size_t at,
                       size_t column, const float *sums, size_t columns)
{
    const struct vector_ops *v = vector_ops();
    float *out = y.data + at * y.c + column;

    vector_ops_write_sums(v, out, sums, conv->bias ? conv->bias + column : NULL,
                          addend.data ? addend.data + at * addend.c + column : NULL, columns);
    if (conv->slope)
        v->leaky_relu(out, out, conv->slope + column, columns);
}
