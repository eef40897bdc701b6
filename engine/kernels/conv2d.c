#include "kernels/conv2d.h"

#include <math.h>
#include <string.h>

/* Inputs of one product: enough that the sum is done mostly inside BLAS, few enough that they stay in the L2
 * cache. */
#define DEPTH_WANTED 512
#define ROWS_WANTED  512

struct conv_job {
    const struct exec *exec;
    const struct conv2d *conv;
    struct tensor y, x, addend;
    struct gemm_plan plan;
    size_t taps; /* kernel positions of one product */
};

/* Which of `in` pixels lies under pixel i of the `out` that they are stretched to by nearest neighbour: in
 * f32, as the reference rounds (torch.nn.functional.interpolate). */
static size_t nearest(size_t i, size_t in, size_t out)
{
    const size_t j = (size_t)floorf((float)i * ((float)in / (float)out));

    return j < in ? j : in - 1;
}

/* The input pixel under tap (ky, kx) of output pixel (oy, ox), or NULL where the padding is. */
static const float *input_pixel(const struct conv_job *j, size_t n, size_t oy, size_t ox, size_t tap)
{
    const struct conv2d *c = j->conv;
    const size_t h = c->upsample ? j->y.h : j->x.h, w = c->upsample ? j->y.w : j->x.w;
    /* Unsigned arithmetic turns a negative coordinate into a huge one, which fails the same test. */
    size_t y = oy * c->stride + tap / c->kernel - c->pad_before;
    size_t x = ox * c->stride + tap % c->kernel - c->pad_before;

    if (y >= h || x >= w)
        return NULL;
    if (c->upsample) {
        y = nearest(y, j->x.h, h);
        x = nearest(x, j->x.w, w);
    }
    return j->x.data + ((n * j->x.h + y) * j->x.w + x) * j->x.c;
}

/* columns [rows, taps * c_in]: what the taps [first, first + taps) see of output pixels [row, row + rows). */
static void gather(const struct conv_job *j, float *columns, size_t row, size_t rows, size_t first,
                   size_t taps)
{
    const size_t c = j->x.c;

    for (size_t i = row; i < row + rows; i++) {
        const size_t n = i / (j->y.h * j->y.w), oy = i / j->y.w % j->y.h, ox = i % j->y.w;

        for (size_t t = first; t < first + taps; t++, columns += c) {
            const float *pixel = input_pixel(j, n, oy, ox, t);

            if (pixel)
                memcpy(columns, pixel, c * sizeof *columns);
            else
                memset(columns, 0, c * sizeof *columns);
        }
    }
}

static void conv_tile(void *arg, size_t tile, void *scratch)
{
    const struct conv_job *j = arg;
    const struct conv2d *c = j->conv;
    const size_t m = tensor_rows(j->y), n = c->c_out, taps_all = c->kernel * c->kernel;
    const size_t row = tile % j->plan.m_tiles * j->plan.m_tile, col = tile / j->plan.m_tiles * j->plan.n_tile;
    const size_t rows = m - row < j->plan.m_tile ? m - row : j->plan.m_tile;
    const size_t cols = n - col < j->plan.n_tile ? n - col : j->plan.n_tile;
    float *columns = scratch, *converted = columns + j->plan.m_tile * j->taps * c->c_in;
    bool add = gemm_start_tile(j->y.data, j->addend.data, c->bias, n, row, rows, col, cols);

    /* A tile of the deepest convolutions takes long enough to look at the flag in between. */
    for (size_t first = 0; first < taps_all && !exec_is_canceled(j->exec); first += j->taps) {
        const size_t taps = taps_all - first < j->taps ? taps_all - first : j->taps;
        const size_t depth = taps * c->c_in;
        size_t stride;
        const float *w = matrix_block(&c->weight, col, cols, first * c->c_in, depth, converted, &stride);

        gather(j, columns, row, rows, first, taps);
        gemm_nt(rows, cols, depth, 1.0f, columns, depth, w, stride, add ? 1.0f : 0.0f,
                j->y.data + row * n + col, n);
        add = true;
    }
}

/* Tiles of at most ROWS_WANTED rows: their gathered inputs, unlike those of a plain product, are made on the
 * spot. */
static struct gemm_plan conv_plan(size_t m, size_t n)
{
    struct gemm_plan p = gemm_plan(m, n);

    if (p.m_tile > ROWS_WANTED) {
        p.m_tile = ROWS_WANTED;
        p.m_tiles = (m + p.m_tile - 1) / p.m_tile;
    }
    return p;
}

void conv2d(struct exec *e, struct tensor y, struct tensor x, const struct conv2d *conv, struct tensor addend)
{
    const size_t taps_all = conv->kernel * conv->kernel;
    struct conv_job j = {
        .exec = e, .conv = conv, .y = y, .x = x, .addend = addend, .plan = conv_plan(tensor_rows(y), y.c)};
    size_t scratch;

    if (conv->kernel == 1 && conv->stride == 1 && !conv->upsample) {
        gemm_linear(e, y.data, x.data, tensor_rows(x), &conv->weight, conv->bias, addend.data);
        return;
    }
    j.taps = (DEPTH_WANTED + conv->c_in - 1) / conv->c_in;
    if (j.taps > taps_all)
        j.taps = taps_all;
    scratch = j.plan.m_tile * j.taps * conv->c_in;
    if (conv->weight.dtype != DTYPE_F32)
        scratch += j.plan.n_tile * j.taps * conv->c_in;
    exec_count_product(e, tensor_rows(y), y.c, taps_all * conv->c_in);
    exec_tiles(e, taps_all == 1 ? LTD_OPERATOR_LINEAR : LTD_OPERATOR_CONV, j.plan.m_tiles * j.plan.n_tiles,
               scratch * sizeof(float), conv_tile, &j);
}
