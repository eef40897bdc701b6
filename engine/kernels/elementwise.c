#include "kernels/elementwise.h"

#include <math.h>
#include <string.h>

#include "kernels/vector_ops.h"

#define TILE_VALUES 65536

struct rows_job;
typedef void rows_fn(const struct rows_job *j, size_t row, size_t rows);

/* One operation over all rows of channels. */
struct rows_job {
    rows_fn *run;
    struct tensor y, a, b;
    enum activation f;
    float scale, shift;
    size_t tile_rows;
};

static void rows_tile(void *arg, size_t tile, void *scratch)
{
    const struct rows_job *j = arg;
    const size_t row = tile * j->tile_rows, rest = tensor_rows(j->y) - row;

    (void)scratch;
    j->run(j, row, rest < j->tile_rows ? rest : j->tile_rows);
}

static void run_rows(struct exec *e, struct rows_job j)
{
    j.tile_rows = TILE_VALUES / j.y.c + 1;
    exec_tiles(e, LTD_OPERATOR_OTHER, (tensor_rows(j.y) + j.tile_rows - 1) / j.tile_rows, 0, rows_tile, &j);
}

static void activate_rows(const struct rows_job *j, size_t row, size_t rows)
{
    const struct vector_ops *v = vector_ops();
    float *y = j->y.data + row * j->y.c;
    const float *x = j->a.data + row * j->y.c;

    (j->f == ACTIVATION_SILU         ? v->silu
     : j->f == ACTIVATION_QUICK_GELU ? v->quick_gelu
     : j->f == ACTIVATION_GELU       ? v->gelu
                                     : v->relu)(y, x, rows * j->y.c);
}

void activate(struct exec *e, struct tensor y, struct tensor x, enum activation f)
{
    run_rows(e, (struct rows_job){.run = activate_rows, .y = y, .a = x, .f = f});
}

static void scale_rows(const struct rows_job *j, size_t row, size_t rows)
{
    float *y = j->y.data + row * j->y.c;
    const float *x = j->a.data + row * j->y.c;

    for (size_t i = 0; i < rows * j->y.c; i++)
        y[i] = x[i] * j->scale;
}

void scale_by(struct exec *e, struct tensor y, struct tensor x, double scale)
{
    run_rows(e, (struct rows_job){.run = scale_rows, .y = y, .a = x, .scale = (float)scale});
}

static void scale_and_shift_rows(const struct rows_job *j, size_t row, size_t rows)
{
    float *y = j->y.data + row * j->y.c;
    const float *x = j->a.data + row * j->y.c;

    for (size_t i = 0; i < rows * j->y.c; i++)
        y[i] = x[i] * j->scale + j->shift;
}

void scale_and_shift(struct exec *e, struct tensor y, struct tensor x, double scale, double shift)
{
    run_rows(e,
             (struct rows_job){
                 .run = scale_and_shift_rows, .y = y, .a = x, .scale = (float)scale, .shift = (float)shift});
}

static void limit_softly_rows(const struct rows_job *j, size_t row, size_t rows)
{
    float *y = j->y.data + row * j->y.c;
    const float *x = j->a.data + row * j->y.c;

    for (size_t i = 0; i < rows * j->y.c; i++)
        y[i] = tanhf(x[i] / j->scale) * j->scale;
}

void limit_softly(struct exec *e, struct tensor y, struct tensor x, double limit)
{
    run_rows(e, (struct rows_job){.run = limit_softly_rows, .y = y, .a = x, .scale = (float)limit});
}

static void add_scaled_rows(const struct rows_job *j, size_t row, size_t rows)
{
    const size_t c = j->y.c < j->a.c ? j->y.c : j->a.c, x_rows = tensor_rows(j->a);

    for (size_t i = row; i < row + rows; i++) {
        const float *x = j->a.data + i % x_rows * j->a.c;
        float *y = j->y.data + i * j->y.c;

        for (size_t k = 0; k < c; k++)
            y[k] += x[k] * j->scale;
    }
}

void add_scaled(struct exec *e, struct tensor y, struct tensor x, double scale)
{
    run_rows(e, (struct rows_job){.run = add_scaled_rows, .y = y, .a = x, .scale = (float)scale});
}

/* What the channels of a row get: its item's values, or those that are for all. */
static const float *row_channels(const struct rows_job *j, size_t row)
{
    return j->a.data + (j->a.n == 1 ? 0 : row / (j->y.h * j->y.w)) * j->a.c;
}

static void add_per_channel_rows(const struct rows_job *j, size_t row, size_t rows)
{
    const size_t c = j->y.c;

    for (size_t i = row; i < row + rows; i++)
        vector_ops()->add_to(j->y.data + i * c, row_channels(j, i), c);
}

void add_per_channel(struct exec *e, struct tensor y, struct tensor v)
{
    run_rows(e, (struct rows_job){.run = add_per_channel_rows, .y = y, .a = v});
}

static void scale_shift_rows(const struct rows_job *j, size_t row, size_t rows)
{
    const size_t c = j->y.c;

    for (size_t i = row; i < row + rows; i++) {
        const float *scale = row_channels(j, i), *shift = scale + c;
        float *y = j->y.data + i * c;

        for (size_t k = 0; k < c; k++)
            y[k] = y[k] * (1.0f + scale[k]) + shift[k];
    }
}

void scale_shift_per_channel(struct exec *e, struct tensor y, struct tensor v)
{
    run_rows(e, (struct rows_job){.run = scale_shift_rows, .y = y, .a = v});
}

static void concat_rows(const struct rows_job *j, size_t row, size_t rows)
{
    const size_t b_rows = tensor_rows(j->b);

    for (size_t i = row; i < row + rows; i++) {
        float *y = j->y.data + i * j->y.c;

        memcpy(y, j->a.data + i * j->a.c, j->a.c * sizeof *y);
        memcpy(y + j->a.c, j->b.data + i % b_rows * j->b.c, j->b.c * sizeof *y);
    }
}

void concat_channels(struct exec *e, struct tensor y, struct tensor a, struct tensor b)
{
    run_rows(e, (struct rows_job){.run = concat_rows, .y = y, .a = a, .b = b});
}

static void copy_rows(const struct rows_job *j, size_t row, size_t rows)
{
    memcpy(j->y.data + row * j->y.c, j->a.data + row * j->y.c, rows * j->y.c * sizeof(float));
}

void copy_tensor(struct exec *e, struct tensor y, struct tensor x)
{
    run_rows(e, (struct rows_job){.run = copy_rows, .y = y, .a = x});
}

static void copy_channels_rows(const struct rows_job *j, size_t row, size_t rows)
{
    for (size_t i = row; i < row + rows; i++)
        memcpy(j->y.data + i * j->y.c, j->a.data + i * j->a.c, j->a.c * sizeof(float));
}

void copy_channels(struct exec *e, struct tensor y, struct tensor x)
{
    run_rows(e, (struct rows_job){.run = copy_channels_rows, .y = y, .a = x});
}

void repeat_first_item(struct exec *e, struct tensor y, size_t from)
{
    for (size_t i = from; i < y.n; i++)
        copy_tensor(e, tensor_item(y, i), tensor_item(y, 0));
}
