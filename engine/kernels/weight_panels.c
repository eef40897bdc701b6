#include "kernels/weight_panels.h"

#include <string.h>

void weight_panels(const struct matrix *w, size_t row, size_t rows, size_t col, size_t width, bool bf16,
                   float *panels, float *lines)
{
    const struct tile_ops *ops = tile_ops();
    const size_t half = ops->panel / 2, whole = (rows + ops->panel - 1) / ops->panel * ops->panel;
    const size_t depth = bf16 ? (width + 1) / 2 : width;

    for (size_t at = 0; at < whole; at += half) {
        const size_t there = rows <= at ? 0 : rows - at < half ? rows - at : half;
        const float *source = lines;
        size_t stride = width;

        if (there > 0)
            source = matrix_block(w, row + at, there, col, width, lines, &stride);
        if (there < half) {
            for (size_t i = 0; i < there && source != lines; i++)
                memcpy(lines + i * width, source + i * stride, width * sizeof *lines);
            memset(lines + there * width, 0, (half - there) * width * sizeof *lines);
            source = lines;
            stride = width;
        }
        if (bf16) {
            for (size_t i = 0; i < half; i++)
                ops->narrow(lines + i * width, source + i * stride, width);
            source = lines;
            stride = width;
        }
        ops->transpose(panels + at / ops->panel * ops->panel * depth + at % ops->panel, source, stride,
                       depth);
    }
}
