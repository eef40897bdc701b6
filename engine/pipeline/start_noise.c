#include "pipeline/start_noise.h"

#include <math.h>

/* A column of one channel: `count` values that lie one below the other. */
struct column {
    size_t first, step, count;
};

static struct column column_of(struct tensor shape, size_t i)
{
    return (struct column){i / shape.w * shape.h * shape.w + i % shape.w, shape.w, shape.h};
}

static float cosine(const float *a, const float *b, struct column column)
{
    double dot = 0, a_square = 0, b_square = 0;

    for (size_t k = 0; k < column.count; k++) {
        const double x = (double)a[column.first + k * column.step],
                     y = (double)b[column.first + k * column.step];

        dot += x * y;
        a_square += x * x;
        b_square += y * y;
    }
    return (float)(dot / sqrt(a_square * b_square));
}

/* noise [c, h, w] goes a share of the way to other [c, h, w], column by column along the arc between them.
 * Where they all but agree the reference takes the chord, and the rest of the way. */
static void slerp(float *noise, const float *other, float share, struct tensor shape)
{
    const size_t columns = shape.c * shape.w;
    double sum = 0;

    for (size_t i = 0; i < columns; i++)
        sum += (double)cosine(noise, other, column_of(shape, i));
    for (size_t i = 0; i < columns; i++) {
        const struct column column = column_of(shape, i);
        const float angle = acosf(cosine(noise, other, column));
        float own = sinf((1.0F - share) * angle) / sinf(angle), others = sinf(share * angle) / sinf(angle);

        if (sum / (double)columns > 0.9995) {
            own = share;
            others = 1.0F - share;
        }
        for (size_t k = 0; k < column.count; k++) {
            float *value = noise + column.first + k * column.step;

            *value = own * *value + others * other[column.first + k * column.step];
        }
    }
}

/* Half of what one side is longer than the other, rounded down. */
static long half_rest(size_t side, size_t other)
{
    const long rest = (long)side - (long)other;

    return (rest - (rest % 2 != 0 && rest < 0)) / 2;
}

/* The middle of noise becomes the middle of `from`, as far as both go. */
static void lay_middle(float *noise, struct tensor shape, const float *from, struct tensor from_shape)
{
    const long dx = half_rest(shape.w, from_shape.w), dy = half_rest(shape.h, from_shape.h);
    const long width = (long)from_shape.w + (dx < 0 ? 2 * dx : 0);
    const long height = (long)from_shape.h + (dy < 0 ? 2 * dy : 0);

    for (size_t c = 0; c < shape.c; c++)
        for (long y = 0; y < height; y++)
            for (long x = 0; x < width; x++) {
                const size_t to_x = (size_t)(x + (dx > 0 ? dx : 0)), to_y = (size_t)(y + (dy > 0 ? dy : 0));
                const size_t from_x = (size_t)(x - (dx < 0 ? dx : 0)),
                             from_y = (size_t)(y - (dy < 0 ? dy : 0));

                noise[(c * shape.h + to_y) * shape.w + to_x] =
                    from[(c * from_shape.h + from_y) * from_shape.w + from_x];
            }
}

static void draw(uint64_t seed, float *noise, size_t n)
{
    struct torch_rng rng;

    torch_rng_init(&rng, seed);
    torch_rng_normal(&rng, noise, n);
}

void start_noise(const struct generation *g, struct exec *e, struct torch_rng *rng, float *noise,
                 struct tensor shape)
{
    const struct ltd_gen_params *p = g->params;
    const size_t mark = exec_mark(e), factor = (size_t)g->model->info.vae_factor;
    const bool resizes = p->seed_resize_from_w > 0 && p->seed_resize_from_h > 0;
    const struct tensor drawn = {NULL, 1, resizes ? (size_t)p->seed_resize_from_h / factor : shape.h,
                                 resizes ? (size_t)p->seed_resize_from_w / factor : shape.w, shape.c};
    const bool other_shape = drawn.h != shape.h || drawn.w != shape.w;
    const size_t n = tensor_count(drawn);
    float *own = other_shape ? arena_alloc(e->arena, n, sizeof *own) : noise;
    float *other = p->subseed_strength > 0 ? arena_alloc(e->arena, n, sizeof *other) : NULL;

    if (!exec_is_dry(e)) {
        torch_rng_normal(rng, noise, tensor_count(shape));
        if (other_shape)
            draw(ltd_params_seed(p, g->index), own, n);
        if (other) {
            draw(ltd_params_subseed(p, g->index), other, n);
            slerp(own, other, (float)p->subseed_strength, drawn);
        }
        if (other_shape)
            lay_middle(noise, shape, own, drawn);
    }
    exec_rewind(e, mark);
}
