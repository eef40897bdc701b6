/* gemm_linear.c - products of many rows with weights: blocks that stay in the caches, on tile_ops. */
#include <string.h>

#include "kernels/gemm.h"
#include "kernels/tile_ops.h"
#include "kernels/vector_ops.h"
#include "kernels/weight_panels.h"

/* What one thread works on: rows and their sums of 500 KB each, for a cache of 1 MB or more. */
#define BLOCK_ROWS   384
#define BLOCK_PIECES 5 /* of TILE_DEPTH operands: f32, or pairs of bf16 */
#define BLOCK_PARTS  5 /* of TILE_COLUMNS */
/* Weights that are kept in panels at a time, where more than one block of rows needs them: 8 MB. */
#define KEPT_VALUES (2u << 20)

struct linear_job {
    const struct exec *exec;
    const struct matrix *w;
    const float *x, *bias, *addend;
    float *y;
    size_t m, n;
    size_t halves;        /* 2: the second half of the weights makes the gates of the first */
    size_t blocks, block; /* of so many rows at most */
    size_t columns;       /* of y, of one task, at most */
    size_t piece;         /* inputs in TILE_DEPTH operands */
    size_t depth;         /* inputs that are summed up at a time, at most: whole pieces */
    size_t first, end;    /* of all columns, those at work */
    float *kept; /* their weights: for each half and depth, for each TILE_COLUMNS of them, panels; or NULL */
};

static size_t lesser(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t divided(size_t n, size_t parts, size_t unit)
{
    return (n + parts * unit - 1) / (parts * unit) * unit;
}

/* Operands that hold so many inputs. */
static size_t operands(const struct linear_job *j, size_t inputs)
{
    return j->exec->bf16 ? (inputs + 1) / 2 : inputs;
}

/* Cut evenly, and into at least 8 tasks, for up to 4 threads to share, where there is enough for so many. */
static void plan(struct linear_job *j)
{
    const size_t n = j->n, k = j->w->cols;
    const size_t piece = j->exec->bf16 ? 2 * TILE_DEPTH : TILE_DEPTH;
    const size_t depths = divided(k, BLOCK_PIECES * piece, 1);
    /* With all inputs in one depth, no sums are kept beyond a tile. */
    size_t parts =
        depths == 1 ? 1 : (n * j->halves + BLOCK_PARTS * TILE_COLUMNS - 1) / (BLOCK_PARTS * TILE_COLUMNS);

    j->piece = piece;
    j->depth = divided(k, depths, piece);
    j->blocks = (j->m + BLOCK_ROWS - 1) / BLOCK_ROWS;
    while (j->blocks * parts < 8 && divided(n, parts, TILE_COLUMNS) > TILE_COLUMNS)
        parts++;
    while (j->blocks * parts < 8 && j->m / j->blocks > 64)
        j->blocks++;
    j->block = divided(j->m, j->blocks, 1);
    j->blocks = (j->m + j->block - 1) / j->block;
    j->columns = divided(n, parts, TILE_COLUMNS);
}

/* Where the kept panels of a tile of columns begin, for inputs from k on. */
static float *kept_panels(const struct linear_job *j, size_t half, size_t column, size_t k, size_t depth)
{
    const size_t width = divided(j->end - j->first, 1, TILE_COLUMNS);

    return j->kept + (half * operands(j, j->w->cols) + operands(j, k)) * width +
           (column - j->first) * operands(j, depth);
}

static void keep_tile(void *arg, size_t tile, void *scratch)
{
    const struct linear_job *j = arg;
    const size_t column = j->first + tile * TILE_COLUMNS, columns = lesser(TILE_COLUMNS, j->end - column);

    for (size_t k = 0; k < j->w->cols; k += j->depth) {
        const size_t depth = lesser(j->depth, j->w->cols - k);

        for (size_t half = 0; half < j->halves; half++)
            weight_panels(j->w, half * j->n + column, columns, k, depth, j->exec->bf16,
                          kept_panels(j, half, column, k, depth), scratch);
    }
}

/* inputs [pieces][block, TILE_DEPTH operands] = columns [k, k + depth) of some rows of x */
static void gather(const struct linear_job *j, float *inputs, size_t row, size_t rows, size_t k, size_t depth)
{
    const struct tile_ops *ops = tile_ops();

    for (size_t at = 0; at < depth; at += j->piece, inputs += j->block * TILE_DEPTH) {
        const size_t width = lesser(j->piece, depth - at);

        for (size_t i = 0; i < rows; i++) {
            const float *from = j->x + (row + i) * j->w->cols + k + at;

            if (j->exec->bf16)
                ops->narrow(inputs + i * TILE_DEPTH, from, width);
            else
                memcpy(inputs + i * TILE_DEPTH, from, width * sizeof *inputs);
        }
    }
}

/* sums [rows, TILE_COLUMNS] = or += inputs times panels, for so many columns */
static void make_sums(const struct linear_job *j, float *sums, const float *inputs, const float *panels,
                      size_t rows, size_t columns, size_t depth, bool add)
{
    const struct tile_ops *ops = tile_ops();
    __typeof__(ops->multiply) multiply = j->exec->bf16 ? ops->multiply_pairs : ops->multiply;
    const size_t all = operands(j, depth), piece = j->block * TILE_DEPTH;
    const size_t pieces = all / TILE_DEPTH, whole = pieces * TILE_DEPTH;

    for (size_t at = 0; at < columns; at += ops->panel, panels += all * ops->panel) {
        if (pieces > 0)
            multiply(rows, pieces, TILE_DEPTH, inputs, piece, panels, ops->panel, sums + at, add);
        if (all > whole)
            multiply(rows, 1, all - whole, inputs + pieces * piece, 0, panels + whole * ops->panel,
                     ops->panel, sums + at, add || pieces > 0);
    }
}

/* gates: sums of the second half, or NULL */
static void write_sums(const struct linear_job *j, float *sums, float *gates, size_t row, size_t rows,
                       size_t column, size_t columns)
{
    const struct vector_ops *v = vector_ops();

    for (size_t i = 0; i < rows; i++, sums += TILE_COLUMNS) {
        const size_t at = (row + i) * j->n + column;

        if (!gates) {
            vector_ops_write_sums(v, j->y + at, sums, j->bias ? j->bias + column : NULL,
                                  j->addend ? j->addend + at : NULL, columns);
            continue;
        }
        v->add_to(sums, j->bias + column, columns);
        v->add_to(gates, j->bias + j->n + column, columns);
        v->mul_gelu(j->y + at, sums, gates, columns);
        gates += TILE_COLUMNS;
    }
}

static size_t kept_columns(const struct linear_job *j)
{
    return j->halves * (j->depth == j->w->cols ? TILE_COLUMNS : j->columns);
}

static size_t scratch_values(const struct linear_job *j)
{
    const size_t depth = operands(j, j->depth);

    return j->block * (kept_columns(j) + depth) + TILE_COLUMNS * depth + WEIGHT_ROWS * j->depth;
}

static void linear_tile(void *arg, size_t tile, void *scratch)
{
    const struct linear_job *j = arg;
    const size_t k_all = j->w->cols;
    /* Tiles that share weights stand side by side. */
    const size_t row = tile % j->blocks * j->block, first = j->first + tile / j->blocks * j->columns;
    const size_t rows = lesser(j->block, j->m - row), end = lesser(first + j->columns, j->end);
    float *sums = scratch, *inputs = sums + j->block * kept_columns(j);
    float *made = inputs + j->block * operands(j, j->depth);
    float *lines = made + TILE_COLUMNS * operands(j, j->depth);

    for (size_t k = 0; k < k_all; k += j->depth) {
        const size_t depth = lesser(j->depth, k_all - k);

        if (exec_is_canceled(j->exec))
            return;
        gather(j, inputs, row, rows, k, depth);
        for (size_t column = first; column < end; column += TILE_COLUMNS) {
            const size_t columns = lesser(TILE_COLUMNS, end - column), size = j->block * TILE_COLUMNS;
            float *sum = j->depth == k_all ? sums : sums + (column - first) * j->block * j->halves;

            for (size_t half = 0; half < j->halves; half++) {
                float *panels = j->kept ? kept_panels(j, half, column, k, depth) : made;

                if (!j->kept)
                    weight_panels(j->w, half * j->n + column, columns, k, depth, j->exec->bf16, panels,
                                  lines);
                make_sums(j, sum + half * size, inputs, panels, rows, columns, depth, k > 0);
            }
            if (k + depth == k_all)
                write_sums(j, sum, j->halves > 1 ? sum + size : NULL, row, rows, column, columns);
        }
    }
}

static void run(struct linear_job *j, struct exec *e)
{
    const size_t mark = exec_mark(e);
    size_t step = divided(j->n, 1, TILE_COLUMNS);

    plan(j);
    exec_count_product(e, j->m, j->w->rows, j->w->cols);
    if (j->blocks > 1) {
        const size_t cols = operands(j, j->w->cols);
        const size_t tiles = KEPT_VALUES / (cols * TILE_COLUMNS * j->halves);

        step = lesser(step, (tiles > 0 ? tiles : 1) * TILE_COLUMNS);
        j->kept = exec_tensor(e, 1, j->halves, step, cols).data;
        j->columns = lesser(j->columns, step);
    }
    for (j->first = 0; j->first < j->n; j->first = j->end) {
        j->end = lesser(j->n, j->first + step);
        if (j->blocks > 1)
            exec_tiles(e, LTD_OPERATOR_LINEAR, divided(j->end - j->first, 1, TILE_COLUMNS) / TILE_COLUMNS,
                       WEIGHT_ROWS * j->depth * sizeof(float), keep_tile, j);
        exec_tiles(e, LTD_OPERATOR_LINEAR, j->blocks * divided(j->end - j->first, 1, j->columns) / j->columns,
                   scratch_values(j) * sizeof(float), linear_tile, j);
    }
    exec_rewind(e, mark);
}

void gemm_linear(struct exec *e, float *y, const float *x, size_t m, const struct matrix *w,
                 const float *bias, const float *addend)
{
    run(&(struct linear_job){.exec = e,
                             .w = w,
                             .x = x,
                             .bias = bias,
                             .addend = addend,
                             .y = y,
                             .m = m,
                             .n = w->rows,
                             .halves = 1},
        e);
}

void gemm_geglu(struct exec *e, float *y, const float *x, size_t m, const struct matrix *w, const float *bias)
{
    run(
        &(struct linear_job){
            .exec = e, .w = w, .x = x, .bias = bias, .y = y, .m = m, .n = w->rows / 2, .halves = 2},
        e);
}
