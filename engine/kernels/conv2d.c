#include "kernels/conv2d.h"

#include <string.h>

#include "kernels/conv_input.h"
#include "kernels/conv_output.h"
#include "kernels/conv_winograd.h"
#include "kernels/weight_panels.h"

/* Output pixels whose sums one thread keeps: 128 KB, and as much of inputs. */
#define BLOCK_ROWS 512

struct conv_job {
    const struct exec *exec;
    const struct conv2d *conv;
    struct tensor y, x, addend;
    size_t blocks, block; /* of so many output pixels at most */
};

/* inputs [rows, TILE_DEPTH]: what a tap sees of channels [c, c + depth) under output pixels [row, row +
 * rows). */
static void gather(const struct conv_job *j, float *inputs, size_t row, size_t rows, size_t tap, size_t c,
                   size_t depth)
{
    const struct conv2d *conv = j->conv;

    for (size_t i = row; i < row + rows; i++, inputs += TILE_DEPTH) {
        const size_t n = i / (j->y.h * j->y.w), y = i / j->y.w % j->y.h, x = i % j->y.w;
        const float *pixel = conv_input_pixel(conv, j->x, j->y, n, y * conv->stride + tap / conv->kernel,
                                              x * conv->stride + tap % conv->kernel);

        if (pixel)
            memcpy(inputs, pixel + c, depth * sizeof *inputs);
        else
            memset(inputs, 0, depth * sizeof *inputs);
    }
}

static size_t scratch_values(const struct conv_job *j)
{
    const size_t taps = j->conv->kernel * j->conv->kernel;

    return j->block * (TILE_COLUMNS + TILE_DEPTH) + TILE_DEPTH * (TILE_COLUMNS + WEIGHT_ROWS) * taps;
}

static void conv_tile(void *arg, size_t tile, void *scratch)
{
    const struct conv_job *j = arg;
    const struct conv2d *conv = j->conv;
    const struct tile_ops *ops = tile_ops();
    const size_t m = tensor_rows(j->y), taps = conv->kernel * conv->kernel;
    /* Tiles that share weights stand side by side. */
    const size_t row = tile % j->blocks * j->block, column = tile / j->blocks * TILE_COLUMNS;
    const size_t rows = m - row < j->block ? m - row : j->block;
    const size_t columns = conv->c_out - column < TILE_COLUMNS ? conv->c_out - column : TILE_COLUMNS;
    float *sums = scratch, *inputs = sums + j->block * TILE_COLUMNS;
    float *panels = inputs + j->block * TILE_DEPTH, *lines = panels + TILE_DEPTH * TILE_COLUMNS * taps;

    for (size_t c = 0; c < conv->c_in; c += TILE_DEPTH) {
        const size_t depth = conv->c_in - c < TILE_DEPTH ? conv->c_in - c : TILE_DEPTH;

        /* A tile of the deepest convolutions takes long enough to look at the flag in between. */
        if (exec_is_canceled(j->exec))
            return;
        weight_panels(&conv->weight, column, columns, c * taps, depth * taps, false, panels, lines);
        for (size_t tap = 0; tap < taps; tap++) {
            gather(j, inputs, row, rows, tap, c, depth);
            for (size_t at = 0; at < columns; at += ops->panel)
                ops->multiply(rows, 1, depth, inputs, 0, panels + at * depth * taps + tap * ops->panel,
                              taps * ops->panel, sums + at, c + tap > 0);
        }
    }
    for (size_t i = 0; i < rows; i++)
        conv_output_write(conv, j->y, j->addend, row + i, column, sums + i * TILE_COLUMNS, columns);
}

static void conv_direct(struct exec *e, struct tensor y, struct tensor x, const struct conv2d *conv,
                        struct tensor addend)
{
    const size_t m = tensor_rows(y), parts = (conv->c_out + TILE_COLUMNS - 1) / TILE_COLUMNS;
    struct conv_job j = {.exec = e, .conv = conv, .y = y, .x = x, .addend = addend};

    /* At least 8 tiles, for up to 4 threads to share evenly, but none so small that its weights cost more
     * than its sums. */
    j.blocks = (m + BLOCK_ROWS - 1) / BLOCK_ROWS;
    while (j.blocks * parts < 8 && m / j.blocks > 64)
        j.blocks++;
    j.block = (m + j.blocks - 1) / j.blocks;
    exec_tiles(e, conv->kernel == 1 ? LTD_OPERATOR_LINEAR : LTD_OPERATOR_CONV, j.blocks * parts,
               scratch_values(&j) * sizeof(float), conv_tile, &j);
}

void conv2d(struct exec *e, struct tensor y, struct tensor x, const struct conv2d *conv, struct tensor addend)
{
    if (conv->kernel == 1 && conv->stride == 1 && !conv->upsample) {
        gemm_linear(e, y.data, x.data, tensor_rows(x), &conv->weight, conv->bias, addend.data);
        return;
    }
    exec_count_product(e, tensor_rows(y), conv->c_out, conv->kernel * conv->kernel * conv->c_in);
    if (!e->strict && conv_winograd_suits(conv, y))
        conv_winograd(e, y, x, conv, addend);
    else
        conv_direct(e, y, x, conv, addend);
}
