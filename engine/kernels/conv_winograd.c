#include "kernels/conv_winograd.h"

#include "kernels/conv_input.h"
#include "kernels/conv_output.h"
#include "kernels/weight_panels.h"

/* A tile is 4x4 outputs, of 6x6 inputs.  Its 36 transformed values stand in 36 planes; the next plane begins
 * a cache line later than a power of two, for planes that fall on the same lines of the cache would drive
 * each other out. */
#define SIDE   4
#define PLANES 36
#define TAPS   9
#define SHIFT  16

/* Transformed inputs that are kept at a time: 24 MB. */
#define KEPT_VALUES (6u << 20)
/* Tiles whose sums one thread keeps: with the weights, 1.6 MB. */
#define BLOCK_TILES 112
/* Tiles whose inputs are transformed at a time. */
#define INPUT_TILES 4

enum { WEIGHT_PLANE = TILE_DEPTH * TILE_COLUMNS + SHIFT };

struct winograd_job {
    const struct exec *exec;
    const struct conv2d *conv;
    struct tensor y, x, addend;
    size_t down, across;  /* tiles of one item */
    size_t first, tiles;  /* those at work, of all items' */
    size_t blocks, block; /* of so many tiles at most */
    size_t plane;         /* values from one plane of inputs to the next */
    float *inputs;        /* [c_in / TILE_DEPTH][PLANES][tiles, TILE_DEPTH] */
};

static size_t tiles_along(size_t side)
{
    return (side + SIDE - 1) / SIDE;
}

bool conv_winograd_suits(const struct conv2d *conv, struct tensor y)
{
    const size_t tiles = tiles_along(y.h) * tiles_along(y.w);

    /* A tile that hangs over the edge is work for nothing; with very few tiles, transforming the weights
     * costs more than it saves. */
    return conv->kernel == 3 && conv->stride == 1 && conv->c_in % 16 == 0 && conv->c_out % 16 == 0 &&
           tiles >= 4 && tiles * SIDE * SIDE <= 2 * y.h * y.w;
}

static void place_of(const struct winograd_job *j, size_t tile, size_t *n, size_t *top, size_t *left)
{
    const size_t of_item = j->down * j->across;

    *n = tile / of_item;
    *top = tile % of_item / j->across * SIDE;
    *left = tile % j->across * SIDE;
}

static void input_tile(void *arg, size_t group, void *scratch)
{
    static const float nothing[TILE_DEPTH];
    const struct winograd_job *j = arg;
    const struct tile_ops *ops = tile_ops();
    const size_t end = (group + 1) * INPUT_TILES < j->tiles ? (group + 1) * INPUT_TILES : j->tiles;

    (void)scratch;
    for (size_t tile = group * INPUT_TILES; tile < end; tile++) {
        const float *corner[PLANES], *pixels[PLANES];
        size_t n, top, left;

        place_of(j, j->first + tile, &n, &top, &left);
        for (size_t i = 0; i < PLANES; i++)
            corner[i] = conv_input_pixel(j->conv, j->x, j->y, n, top + i / 6, left + i % 6);
        for (size_t c = 0; c < j->conv->c_in; c += TILE_DEPTH) {
            const size_t depth = j->conv->c_in - c < TILE_DEPTH ? j->conv->c_in - c : TILE_DEPTH;

            for (size_t i = 0; i < PLANES; i++)
                pixels[i] = corner[i] ? corner[i] + c : nothing;
            ops->winograd_input(j->inputs + c / TILE_DEPTH * PLANES * j->plane + tile * TILE_DEPTH, pixels,
                                depth, j->plane);
        }
    }
}

/* Adds bias and addend to the sums of one tile's output pixels, and writes them. */
static void write_tile(const struct winograd_job *j, const float *outputs, size_t tile, size_t column,
                       size_t columns)
{
    size_t n, top, left;

    place_of(j, tile, &n, &top, &left);
    for (size_t i = 0; i < SIDE * SIDE; i++) {
        const size_t y = top + i / SIDE, x = left + i % SIDE;

        if (y < j->y.h && x < j->y.w)
            conv_output_write(j->conv, j->y, j->addend, (n * j->y.h + y) * j->y.w + x, column,
                              outputs + i * TILE_COLUMNS, columns);
    }
}

struct winograd_scratch {
    float *sums;    /* [PLANES][tiles of a block, TILE_COLUMNS] */
    float *weights; /* [PLANES][TILE_COLUMNS / panel][depth, panel] */
    float *panels, *lines;
    size_t plane; /* of the sums */
};

static struct winograd_scratch divide_scratch(const struct winograd_job *j, float *scratch)
{
    struct winograd_scratch s = {.sums = scratch, .plane = j->block * TILE_COLUMNS + SHIFT};

    s.weights = s.sums + PLANES * s.plane;
    s.panels = s.weights + PLANES * WEIGHT_PLANE;
    s.lines = s.panels + TILE_DEPTH * TILE_COLUMNS * TAPS;
    return s;
}

static size_t scratch_values(const struct winograd_job *j)
{
    return PLANES * (j->block * TILE_COLUMNS + SHIFT + WEIGHT_PLANE) +
           TILE_DEPTH * (TILE_COLUMNS + WEIGHT_ROWS) * TAPS;
}

/* The sums of a block of tiles over the input channels [c, c + depth). */
static void add_depth(const struct winograd_job *j, const struct winograd_scratch *s, size_t first,
                      size_t tiles, size_t columns, size_t c, size_t depth)
{
    const struct tile_ops *ops = tile_ops();
    const float *inputs = j->inputs + c / TILE_DEPTH * PLANES * j->plane + first * TILE_DEPTH;

    for (size_t at = 0; at < columns; at += ops->panel)
        ops->winograd_weights(s->weights + at * TILE_DEPTH, s->panels + at * depth * TAPS, depth,
                              WEIGHT_PLANE);
    for (size_t i = 0; i < PLANES; i++)
        for (size_t at = 0; at < columns; at += ops->panel)
            ops->multiply(tiles, 1, depth, inputs + i * j->plane, 0,
                          s->weights + i * WEIGHT_PLANE + at * TILE_DEPTH, ops->panel,
                          s->sums + i * s->plane + at, c > 0);
}

static void output_tile(void *arg, size_t task, void *scratch)
{
    const struct winograd_job *j = arg;
    const struct winograd_scratch s = divide_scratch(j, scratch);
    /* Tasks that share inputs stand side by side. */
    const size_t parts = (j->conv->c_out + TILE_COLUMNS - 1) / TILE_COLUMNS;
    const size_t column = task % parts * TILE_COLUMNS, first = task / parts * j->block;
    const size_t columns = j->conv->c_out - column < TILE_COLUMNS ? j->conv->c_out - column : TILE_COLUMNS;
    const size_t tiles = j->tiles - first < j->block ? j->tiles - first : j->block;
    _Alignas(64) float outputs[SIDE * SIDE * TILE_COLUMNS];

    for (size_t c = 0; c < j->conv->c_in; c += TILE_DEPTH) {
        const size_t depth = j->conv->c_in - c < TILE_DEPTH ? j->conv->c_in - c : TILE_DEPTH;

        if (exec_is_canceled(j->exec))
            return;
        weight_panels(&j->conv->weight, column, columns, c * TAPS, depth * TAPS, false, s.panels, s.lines);
        add_depth(j, &s, first, tiles, columns, c, depth);
    }
    for (size_t tile = 0; tile < tiles; tile++) {
        tile_ops()->winograd_output(outputs, s.sums + tile * TILE_COLUMNS, columns, s.plane);
        write_tile(j, outputs, j->first + first + tile, column, columns);
    }
}

void conv_winograd(struct exec *e, struct tensor y, struct tensor x, const struct conv2d *conv,
                   struct tensor addend)
{
    const size_t mark = exec_mark(e), parts = (conv->c_out + TILE_COLUMNS - 1) / TILE_COLUMNS;
    const size_t depths = (conv->c_in + TILE_DEPTH - 1) / TILE_DEPTH;
    struct winograd_job j = {.exec = e,
                             .conv = conv,
                             .y = y,
                             .x = x,
                             .addend = addend,
                             .down = tiles_along(y.h),
                             .across = tiles_along(y.w)};
    const size_t all = y.n * j.down * j.across;
    size_t kept = KEPT_VALUES / (depths * PLANES * TILE_DEPTH) / BLOCK_TILES * BLOCK_TILES;

    kept = kept < BLOCK_TILES ? BLOCK_TILES : kept;
    kept = kept < all ? kept : all;
    j.plane = kept * TILE_DEPTH + SHIFT;
    j.inputs = exec_tensor(e, 1, depths, PLANES, j.plane).data;
    for (j.first = 0; j.first < all; j.first += kept) {
        j.tiles = all - j.first < kept ? all - j.first : kept;
        j.blocks = (j.tiles + BLOCK_TILES - 1) / BLOCK_TILES;
        j.block = (j.tiles + j.blocks - 1) / j.blocks;
        exec_tiles(e, LTD_OPERATOR_CONV, (j.tiles + INPUT_TILES - 1) / INPUT_TILES, 0, input_tile, &j);
        exec_tiles(e, LTD_OPERATOR_CONV, j.blocks * parts, scratch_values(&j) * sizeof(float), output_tile,
                   &j);
    }
    exec_rewind(e, mark);
}
