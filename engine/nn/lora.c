#include "nn/lora.h"

#include <math.h>

#include "kernels/gemm.h"
#include "nn/weight_values.h"

/* A layer's weight as [out, in * area]. */
struct layer_shape {
    size_t out, in, area;
};

/* A matrix [rows, width] of an adapter: whole, or as up [rows, rank] times down [rank, width]; or with a core
 * [rank, rank_down, area], and then down is [rank_down, width / area]. */
struct factor {
    const struct weight *whole, *up, *down, *core;
    size_t rows, width, rank;
    bool turned; /* up is [rank, rows] */
};

static struct layer_shape shape_of(const struct weight *w)
{
    struct layer_shape s = {w->rank > 0 ? w->dim[0] : 1, w->rank > 1 ? w->dim[1] : 1, 1};

    for (int i = 2; i < w->rank; i++)
        s.area *= w->dim[i];
    return s;
}

/* A factor without a core: what stands in the parts decides how large it is. */
static bool read_product(struct factor *f)
{
    f->rows = f->up->dim[0];
    f->rank = f->down->dim[0];
    f->width = f->down->count / f->rank;
    return f->up->count == f->rows * f->rank;
}

/* LyCORIS turns the up part of a core around, kohya's trainer does not. */
static bool read_cored(struct factor *f)
{
    const struct weight *core = f->core;
    const size_t area = core->count / core->dim[0] / core->dim[1];

    f->rank = core->dim[0];
    f->rows = f->up->count / f->rank;
    f->width = f->down->count / core->dim[1] * area;
    return f->up->dim[f->turned ? 0 : 1] == f->rank && f->up->dim[f->turned ? 1 : 0] == f->rows &&
           f->down->dim[0] == core->dim[1];
}

/* False: the parts do not fit each other. */
static bool read_factor(struct factor *f, const struct lora_module *m, enum lora_part up)
{
    const bool low_rank = m->form == LORA_LOW_RANK;

    *f = (struct factor){.turned = !low_rank};
    if (low_rank) {
        f->up = m->part[LORA_UP];
        f->down = m->part[LORA_DOWN];
        f->core = m->part[LORA_CORE];
    } else {
        f->whole = m->part[up == LORA_W1_UP ? LORA_W1 : LORA_W2];
        f->up = m->part[up];
        f->down = m->part[up + 1];
        f->core = m->part[up + 2];
    }
    if (f->whole) {
        f->rows = f->whole->rank > 1 && f->whole->count > 0 ? f->whole->dim[0] : 0;
        f->width = f->rows > 0 ? f->whole->count / f->rows : 0;
        return f->rows > 0;
    }
    if (f->up->rank < 2 || f->down->rank < 2 || f->up->count == 0 || f->down->count == 0 ||
        (f->core && (f->core->rank < 2 || f->core->count == 0)))
        return false;
    return f->core ? read_cored(f) : read_product(f);
}

static bool fits(const struct lora_module *m, struct layer_shape s)
{
    const size_t width = s.in * s.area;
    struct factor a, b;

    switch (m->form) {
    case LORA_LOW_RANK:
        return read_factor(&a, m, LORA_UP) && a.rows == s.out && a.width == width;
    case LORA_HADAMARD:
        return read_factor(&a, m, LORA_W1_UP) && read_factor(&b, m, LORA_W2_UP) && a.rows == s.out &&
               b.rows == s.out && a.width == width && b.width == width;
    case LORA_KRONECKER:
        return read_factor(&a, m, LORA_W1_UP) && read_factor(&b, m, LORA_W2_UP) && s.out % a.rows == 0 &&
               b.rows == s.out / a.rows && width % a.width == 0 && b.width == width / a.width &&
               b.width % s.area == 0;
    case LORA_DIFFERENCE:
        break;
    }
    return !m->part[LORA_DIFF] || m->part[LORA_DIFF]->count == s.out * width;
}

static const struct weight *magnitude_of(const struct lora_module *m)
{
    return m->part[LORA_MAGNITUDE] ? m->part[LORA_MAGNITUDE] : m->part[LORA_DORA_SCALE];
}

/* One magnitude for each column of [out, in]? */
static bool has_columns(const struct lora_module *m, struct layer_shape s)
{
    const struct weight *scale = m->part[LORA_DORA_SCALE];

    return scale && scale->rank > 1 && scale->dim[0] == 1 && scale->dim[1] == s.in && scale->count == s.in;
}

/* What stands for a module in messages: a tensor of it. */
static const struct weight *any_part(const struct lora_module *m)
{
    const struct weight *any = NULL;

    for (size_t i = 0; i < LORA_PARTS && !any; i++)
        any = m->part[i];
    return any;
}

enum ltd_status lora_check(const struct lora_module *m, const struct weight *weight,
                           const struct weight *bias, struct ltd_error *err)
{
    const struct layer_shape s = shape_of(weight);
    const struct weight *magnitude = magnitude_of(m), *diff = m->part[LORA_DIFF_BIAS];

    if (!fits(m, s))
        return ltd_fail(
            err, LTD_EUNSUPPORTED,
            "tensor %s and those with it do not fit %s, which is [%zu, %zu%s]: made for another model",
            any_part(m)->name, weight->name, s.out, s.in, s.area > 1 ? ", k, k" : "");
    if (magnitude && !has_columns(m, s) && magnitude->count != s.out)
        return ltd_fail(err, LTD_EUNSUPPORTED, "tensor %s has %zu values, but %s has %zu rows",
                        magnitude->name, magnitude->count, weight->name, s.out);
    if (diff && (!bias || diff->count != bias->count))
        return ltd_fail(err, LTD_EUNSUPPORTED, "tensor %s has %zu values, but the bias of %s has %zu",
                        diff->name, diff->count, weight->name, bias ? bias->count : (size_t)0);
    return LTD_OK;
}

static float *take(struct exec *e, size_t count)
{
    return arena_alloc(e->arena, count, sizeof(float));
}

static float *load(struct exec *e, const struct weight *w)
{
    float *values = take(e, w->count);

    if (!exec_is_dry(e))
        weight_to_f32(w, values);
    return values;
}

/* [cols, rows] = the transpose of x [rows, cols] */
static float *transposed(struct exec *e, const float *x, size_t rows, size_t cols)
{
    float *t = take(e, rows * cols);

    for (size_t i = 0; i < rows && !exec_is_dry(e); i++)
        for (size_t j = 0; j < cols; j++)
            t[j * rows + i] = x[i * cols + j];
    return t;
}

/* y [m, n] = a [m, k] b [k, n], + addend unless it is NULL; it may be y. */
static void multiply(struct exec *e, float *y, const float *a, const float *b, size_t m, size_t k, size_t n,
                     const float *addend)
{
    const size_t mark = exec_mark(e);
    const struct matrix w = {transposed(e, b, k, n), DTYPE_F32, n, k};

    gemm_linear(e, y, a, m, &w, NULL, addend);
    exec_rewind(e, mark);
}

/* y [a, c, b] = x [a, b, c] */
static float *swapped(struct exec *e, const float *x, size_t a, size_t b, size_t c)
{
    float *y = take(e, a * b * c);

    for (size_t i = 0; i < a && !exec_is_dry(e); i++)
        for (size_t j = 0; j < b; j++)
            for (size_t k = 0; k < c; k++)
                y[(i * c + k) * b + j] = x[(i * b + j) * c + k];
    return y;
}

/* The up part, [rows, rank] whichever way the file has it. */
static float *load_up(struct exec *e, const struct factor *f)
{
    float *up = load(e, f->up);

    return f->core && f->turned ? transposed(e, up, f->rank, f->rows) : up;
}

/* The part behind up, [rank, width]: down, or for all q and places sum over p of core [rank, p, places] and
 * down [p, q]. */
static float *load_down(struct exec *e, const struct factor *f)
{
    float *down = load(e, f->down), *core, *made;
    size_t deep, area, in;

    if (!f->core)
        return down;
    deep = f->core->dim[1];
    area = f->core->count / f->rank / deep;
    in = f->width / area;
    core = swapped(e, load(e, f->core), f->rank, deep, area); /* [rank, area, deep] */
    made = take(e, f->rank * area * in);
    multiply(e, made, core, down, f->rank * area, deep, in, NULL);
    return swapped(e, made, f->rank, area, in);
}

/* [rows, width] */
static float *load_factor(struct exec *e, const struct factor *f)
{
    float *y;

    if (f->whole)
        return load(e, f->whole);
    y = take(e, f->rows * f->width);
    multiply(e, y, load_up(e, f), load_down(e, f), f->rows, f->rank, f->width, NULL);
    return y;
}

/* y [out, in, area] = a [rows, width] (x) b [out / rows, in / width, area] */
static void kronecker(float *y, const struct factor *fa, const float *a, const struct factor *fb,
                      const float *b, size_t area)
{
    const size_t in = fb->width / area, row = fa->width * fb->width;

    for (size_t i = 0; i < fa->rows * fb->rows; i++)
        for (size_t j = 0; j < fa->width * in; j++)
            for (size_t k = 0; k < area; k++)
                y[i * row + j * area + k] =
                    a[i / fb->rows * fa->width + j / in] * b[i % fb->rows * fb->width + j % in * area + k];
}

static double share(const struct lora_module *m, const struct factor *ranked)
{
    double rank;
    float alpha = 0;

    if (!ranked || (!m->part[LORA_ALPHA] && !m->has_alpha))
        return 1;
    rank = (double)(ranked->core ? ranked->core->dim[0] : ranked->rank);
    if (!m->part[LORA_ALPHA])
        return m->alpha / (m->by_root ? sqrt(rank) : rank);
    weight_to_f32(m->part[LORA_ALPHA], &alpha);
    return (double)alpha / rank;
}

/* D [out, in * area], and in *scale what it is multiplied by besides the strength. */
static float *load_change(struct exec *e, const struct lora_module *m, struct layer_shape s, double *scale)
{
    const size_t n = s.out * s.in * s.area;
    struct factor a, b;
    float *x, *y, *product;

    *scale = 1;
    if (m->form == LORA_DIFFERENCE)
        return load(e, m->part[LORA_DIFF]);
    read_factor(&a, m, LORA_W1_UP);
    x = load_factor(e, &a);
    if (m->form == LORA_LOW_RANK) {
        *scale = share(m, &a);
        return x;
    }
    read_factor(&b, m, LORA_W2_UP);
    y = load_factor(e, &b);
    if (m->form == LORA_HADAMARD) {
        *scale = share(m, &a);
        for (size_t i = 0; i < n && !exec_is_dry(e); i++)
            x[i] *= y[i];
        return x;
    }
    *scale = share(m, !b.whole ? &b : !a.whole ? &a : NULL);
    product = take(e, n);
    if (!exec_is_dry(e))
        kronecker(product, &a, x, &b, y, s.area);
    return product;
}

/* d = m V / |V| - w, V = w + d. */
static void take_magnitude(float *d, const float *w, const float *magnitude, bool columns,
                           struct layer_shape s)
{
    const size_t lines = columns ? s.in : s.out, across = columns ? s.out : s.in;
    const size_t line = columns ? s.area : s.in * s.area, step = columns ? s.in * s.area : s.area;

    for (size_t i = 0; i < lines; i++) {
        double square = 0;
        float gain;

        for (size_t j = 0; j < across * s.area; j++) {
            const size_t at = i * line + j / s.area * step + j % s.area;
            const double v = (double)w[at] + (double)d[at];

            square += v * v;
        }
        gain = (float)((double)magnitude[i] / sqrt(square));
        for (size_t j = 0; j < across * s.area; j++) {
            const size_t at = i * line + j / s.area * step + j % s.area;

            d[at] = gain * (w[at] + d[at]) - w[at];
        }
    }
}

bool lora_changes_weight(const struct lora_module *m)
{
    return m->form != LORA_DIFFERENCE || m->part[LORA_DIFF];
}

/* The usual case, without D in between: values += (s up) down. */
static void add_low_rank(const struct lora_module *m, struct exec *e, float *values, double strength)
{
    struct factor f;
    double scale;
    float *up;

    read_factor(&f, m, LORA_UP);
    scale = strength * share(m, &f);
    up = load_up(e, &f);
    for (size_t i = 0; i < f.rows * f.rank && !exec_is_dry(e); i++)
        up[i] = (float)((double)up[i] * scale);
    multiply(e, values, up, load_down(e, &f), f.rows, f.rank, f.width, values);
}

void lora_add(const struct lora_module *m, struct exec *e, float *values, const struct weight *weight,
              double strength)
{
    const size_t mark = exec_mark(e);
    const struct layer_shape s = shape_of(weight);
    const struct weight *magnitude = magnitude_of(m);
    const bool inside = m->part[LORA_MAGNITUDE] != NULL; /* the strength, in what has the magnitude */
    double scale;
    float *d;

    if (m->form == LORA_LOW_RANK && !magnitude) {
        add_low_rank(m, e, values, strength);
        exec_rewind(e, mark);
        return;
    }
    d = load_change(e, m, s, &scale);
    scale *= !magnitude || inside ? strength : 1;
    for (size_t i = 0; i < weight->count && !exec_is_dry(e); i++)
        d[i] = (float)((double)d[i] * scale);
    if (magnitude) {
        const float *w = load(e, weight), *sizes = load(e, magnitude);

        if (!exec_is_dry(e))
            take_magnitude(d, w, sizes, has_columns(m, s), s);
    }
    for (size_t i = 0; i < weight->count && !exec_is_dry(e); i++)
        values[i] += magnitude && !inside ? (float)strength * d[i] : d[i];
    exec_rewind(e, mark);
}

void lora_add_bias(const struct lora_module *m, float *values, double strength)
{
    const struct weight *diff = m->part[LORA_DIFF_BIAS];

    for (size_t i = 0; diff && i < diff->count; i++) {
        struct weight one = *diff;
        float value;

        one.data = (const char *)diff->data + i * dtype_size(diff->dtype);
        one.count = 1;
        weight_to_f32(&one, &value);
        values[i] += (float)(strength * (double)value);
    }
}
