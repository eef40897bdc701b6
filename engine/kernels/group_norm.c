#include "kernels/group_norm.h"

#include <math.h>
#include <string.h>

#include "kernels/vector_ops.h"

/* Rows of one tile: about 64k values, so that a tile is worth its dispatch. */
static size_t rows_of_tile(size_t rows, size_t c)
{
    const size_t wanted = 65536 / c + 1;

    return rows < wanted ? rows : wanted;
}

struct norm_job {
    struct tensor y, x;
    const struct group_norm *norm;
    bool silu;
    size_t tile_rows, tiles_per_item;
    double *partial;      /* [n, tiles_per_item, 2, c] sums and sums of squares */
    float *scale, *shift; /* [n, c] */
};

/* The rows of a tile, which never spans two items. */
static void tile_span(const struct norm_job *j, size_t tile, size_t *item, size_t *row, size_t *rows)
{
    const size_t first = tile % j->tiles_per_item * j->tile_rows, all = j->x.h * j->x.w;

    *item = tile / j->tiles_per_item;
    *row = *item * all + first;
    *rows = all - first < j->tile_rows ? all - first : j->tile_rows;
}

static void moments_tile(void *arg, size_t tile, void *scratch)
{
    const struct norm_job *j = arg;
    const struct vector_ops *v = vector_ops();
    const size_t c = j->x.c;
    double *sum = j->partial + tile * 2 * c;
    size_t item, row, rows;

    (void)scratch;
    tile_span(j, tile, &item, &row, &rows);
    memset(sum, 0, 2 * c * sizeof *sum);
    v->add_moments(sum, sum + c, j->x.data + row * c, rows, c);
}

/* From the tiles' moments to one scale and shift a channel, added up in a fixed order. */
static void combine_item(void *arg, size_t item, void *scratch)
{
    const struct norm_job *j = arg;
    const size_t c = j->x.c, per_group = c / j->norm->groups;
    const double count = (double)(j->x.h * j->x.w * per_group);

    (void)scratch;
    for (size_t g = 0; g < j->norm->groups; g++) {
        double sum = 0, square = 0, mean, variance, inverse;

        for (size_t t = 0; t < j->tiles_per_item; t++) {
            const double *partial = j->partial + (item * j->tiles_per_item + t) * 2 * c;

            for (size_t i = g * per_group; i < (g + 1) * per_group; i++) {
                sum += partial[i];
                square += partial[c + i];
            }
        }
        mean = sum / count;
        variance = square / count - mean * mean;
        inverse = 1.0 / sqrt((variance > 0 ? variance : 0) + j->norm->eps);
        for (size_t i = g * per_group; i < (g + 1) * per_group; i++) {
            const double scale = inverse * (double)j->norm->gamma[i];

            j->scale[item * c + i] = (float)scale;
            j->shift[item * c + i] = (float)((double)j->norm->beta[i] - mean * scale);
        }
    }
}

static void apply_tile(void *arg, size_t tile, void *scratch)
{
    const struct norm_job *j = arg;
    const struct vector_ops *v = vector_ops();
    const size_t c = j->x.c;
    size_t item, row, rows;

    (void)scratch;
    tile_span(j, tile, &item, &row, &rows);
    for (size_t i = row; i < row + rows; i++)
        (j->silu ? v->affine_silu : v->affine)(j->y.data + i * c, j->x.data + i * c, j->scale + item * c,
                                               j->shift + item * c, c);
}

void group_norm(struct exec *e, struct tensor y, struct tensor x, const struct group_norm *norm, bool silu)
{
    const size_t mark = exec_mark(e), rows = x.h * x.w, tile_rows = rows_of_tile(rows, x.c);
    struct norm_job j = {.y = y, .x = x, .norm = norm, .silu = silu, .tile_rows = tile_rows};

    j.tiles_per_item = (rows + tile_rows - 1) / tile_rows;
    j.partial = arena_alloc(e->arena, x.n * j.tiles_per_item * 2 * x.c, sizeof *j.partial);
    j.scale = arena_alloc(e->arena, x.n * x.c, sizeof *j.scale);
    j.shift = arena_alloc(e->arena, x.n * x.c, sizeof *j.shift);
    exec_tiles(e, LTD_OPERATOR_NORM, x.n * j.tiles_per_item, 0, moments_tile, &j);
    exec_tiles(e, LTD_OPERATOR_NORM, x.n, 0, combine_item, &j);
    exec_tiles(e, LTD_OPERATOR_NORM, x.n * j.tiles_per_item, 0, apply_tile, &j);
    exec_rewind(e, mark);
}

struct layer_norm_job {
    struct tensor y, x;
    const struct layer_norm *norm;
    size_t tile_rows;
};

static void layer_norm_tile(void *arg, size_t tile, void *scratch)
{
    const struct layer_norm_job *j = arg;
    const struct layer_norm *norm = j->norm;
    const size_t c = j->x.c, all = tensor_rows(j->x), row = tile * j->tile_rows;
    const size_t end = all - row < j->tile_rows ? all : row + j->tile_rows;

    (void)scratch;
    for (size_t i = row; i < end; i++)
        vector_ops()->normalize(j->y.data + i * c, j->x.data + i * c, norm->gamma, norm->beta, norm->eps, c);
}

void layer_norm(struct exec *e, struct tensor y, struct tensor x, const struct layer_norm *norm)
{
    struct layer_norm_job j = {.y = y, .x = x, .norm = norm, .tile_rows = rows_of_tile(tensor_rows(x), x.c)};

    exec_tiles(e, LTD_OPERATOR_NORM, (tensor_rows(x) + j.tile_rows - 1) / j.tile_rows, 0, layer_norm_tile,
               &j);
}
