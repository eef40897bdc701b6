#include "pipeline/guided_unet.h"

#include <string.h>

#include "pipeline/latent_layout.h"
#include "pipeline/text_stack.h"
#include "sampling/guidance_sum.h"

/* With guidance by a picture that a model edits, the first row is what the network says to the negative
 * prompt without the picture.  At a scale of 1 it would have no part. */
static bool has_bare_row(const struct generation *g)
{
    return g->model->info.edits && g->conditioning.guided < g->conditioning.guided_end &&
           g->params->image_guidance_scale != 1;
}

/* Of all evaluations. */
static size_t rows_of(const struct generation *g)
{
    return g->conditioning.rows + has_bare_row(g);
}

static size_t text_of(const struct generation *g, size_t row, int evaluation)
{
    return conditioning_text(&g->conditioning, row > 0 ? row - has_bare_row(g) : 0, evaluation);
}

static size_t network_count(const struct generation *g)
{
    return 1 + (size_t)g->params->control_count;
}

/* The U-Net; then the networks that control it. */
static const struct unet *network_at(const struct generation *g, size_t i)
{
    return i == 0 ? g->model->unet : control_net_encoder(g->nets[i - 1]);
}

/* Rows of the table of times that an evaluation has: one for all of its own, or one for each. */
static size_t times_of(const struct guided_texts *t, const struct generation *g)
{
    return t->of[0].added.c > 0 ? rows_of(g) : 1;
}

static struct tensor make_times(const struct generation *g, struct exec *e, const struct guided_texts *t,
                                size_t network)
{
    const struct unet *u = network_at(g, network);
    const struct tensor added = t->of[network].added;
    const size_t each = times_of(t, g);
    const size_t count = (size_t)sampling_plan_evaluations(g->plan) * each, c = added.c;
    struct tensor table = exec_tensor(e, count, 1, 1, unet_time_channels(u));
    const size_t mark = exec_mark(e);
    double *timesteps = arena_alloc(e->arena, count, sizeof *timesteps);
    const struct unet_times times = {timesteps, exec_tensor(e, count, 1, 1, c), g->params->cfg_scale};

    for (size_t i = 0; i < count && !exec_is_dry(e); i++) {
        const int evaluation = (int)(i / each);
        const size_t text = text_of(g, i % each, evaluation);

        timesteps[i] = sampling_plan_timestep(g->plan, evaluation);
        memcpy(times.added.data + i * c, added.data + text * c, c * sizeof(float));
    }
    unet_time_forward(u, e, table, &times);
    exec_rewind(e, mark);
    return table;
}

/* Notes which texts count in an evaluation; true: others than before. */
static bool change_texts(struct guided_texts *t, const struct generation *g, int evaluation)
{
    bool changed = false;

    for (size_t i = 0; i < rows_of(g); i++) {
        const size_t text = text_of(g, i, evaluation);

        changed |= t->now[i] != text;
        t->now[i] = text;
    }
    return changed;
}

static void make_table(const struct guided_texts *t, const struct generation *g, struct exec *e)
{
    const size_t mark = exec_mark(e), rows = rows_of(g);
    struct tensor context = exec_tensor(e, rows, t->contexts.h, t->contexts.w, t->contexts.c);

    for (size_t i = 0; i < rows && !exec_is_dry(e); i++)
        memcpy(tensor_item(context, i).data, tensor_item(t->contexts, t->now[i]).data,
               tensor_count(context) / rows * sizeof *context.data);
    for (size_t i = 0; i < network_count(g); i++)
        unet_text_forward(network_at(g, i), e, t->of[i].table, context);
    exec_rewind(e, mark);
}

/* What XL is told of a picture: it is whole, as large as it was asked for, and, for the refiner, as beautiful
 * as diffusers and AUTOMATIC1111 say that pictures are to be and not to be. */
static void picture_sizes(double *sizes, size_t count, const struct ltd_gen_params *p, bool negative)
{
    const double height = p->height, width = p->width, score = negative ? 2.5 : 6.0;
    const double xl[SIZES_OF_XL] = {height, width, 0, 0, height, width};
    const double refiner[SIZES_OF_REFINER] = {height, width, 0, 0, score};

    memcpy(sizes, count == SIZES_OF_XL ? xl : refiner, count * sizeof *sizes);
}

static void add_texts(struct guided_texts *t, const struct generation *g, struct exec *e,
                      struct tensor pooled)
{
    const size_t mark = exec_mark(e), count = unet_size_count(g->model->unet, pooled.c);
    double *sizes = arena_alloc(e->arena, pooled.n * count, sizeof *sizes);

    for (size_t i = 0; i < pooled.n && !exec_is_dry(e); i++)
        picture_sizes(sizes + i * count, count, g->params, i < g->conditioning.negative.prompt.texts);
    for (size_t i = 0; i < network_count(g); i++)
        unet_added_forward(network_at(g, i), e, t->of[i].added, pooled, sizes);
    exec_rewind(e, mark);
}

struct guided_texts guided_texts_make(const struct generation *g, struct exec *e)
{
    const struct conditioning *c = &g->conditioning;
    const struct unet_config *u = unet_config(g->model->unet);
    struct guided_texts t = {0};
    struct conditioning_texts texts;
    size_t mark;

    for (size_t i = 0; i < network_count(g); i++) {
        t.of[i].table =
            exec_tensor(e, rows_of(g), conditioning_tokens(c), 1, unet_text_channels(network_at(g, i)));
        t.of[i].added = exec_tensor(e, conditioning_text_count(c), 1, 1,
                                    u->added_channels > 0 ? unet_config(network_at(g, i))->time_channels : 0);
    }
    mark = exec_mark(e);
    texts = conditioning_encode(c, e);
    if (!exec_is_dry(e))
        text_stack_give_back(g->model);
    t.contexts = texts.contexts;
    if (t.of[0].added.c > 0)
        add_texts(&t, g, e, texts.pooled);
    change_texts(&t, g, 0);
    make_table(&t, g, e);
    if (t.contexts.n == c->rows)
        exec_rewind(e, mark);
    return t;
}

/* Values of 0..1. */
static void make_hint(struct guided_unet *d, size_t control)
{
    const struct generation *g = d->g;
    struct exec *e = d->exec;
    const struct ltd_image *map = g->maps[control];
    const size_t mark = exec_mark(e);
    struct tensor picture = exec_tensor(e, 1, (size_t)g->params->height, (size_t)g->params->width, 3);

    for (size_t i = 0; i < tensor_count(picture) && !exec_is_dry(e); i++)
        picture.data[i] = (float)map->pixels[i] / 255.0f;
    control_net_hint(g->nets[control], e, d->hint[control], picture);
    exec_rewind(e, mark);
}

void guided_unet_begin(struct guided_unet *d, const struct generation *g, struct exec *e,
                       struct guided_texts *texts, struct tensor shape, struct tensor shown)
{
    const size_t rows = rows_of(g), pixels = shape.h * shape.w;
    const bool bare = has_bare_row(g);

    *d = (struct guided_unet){.g = g, .exec = e, .texts = texts};
    d->x = exec_tensor(e, bare ? rows : 1, shape.h, shape.w, shape.c + shown.c);
    for (size_t i = 0; i < d->x.n * pixels && !exec_is_dry(e); i++) {
        float *beside = d->x.data + i * d->x.c + shape.c;

        if (bare && i < pixels)
            memset(beside, 0, shown.c * sizeof *beside);
        else
            memcpy(beside, shown.data + i % pixels * shown.c, shown.c * sizeof *beside);
    }
    d->y = exec_tensor(e, rows, shape.h, shape.w, shape.c);
    if (g->params->deepcache_interval > 1)
        d->deep = exec_tensor(e, rows, shape.h, shape.w, unet_deep_channels(g->model->unet));
    for (size_t i = 0; i < network_count(g); i++)
        d->input[i] = (struct unet_input){.times = make_times(g, e, texts, i), .texts = texts->of[i].table};
    for (size_t i = 0; i + 1 < network_count(g); i++) {
        d->hint[i] =
            exec_tensor(e, 1, shape.h, shape.w, unet_config(network_at(g, i + 1))->level[0].channels);
        make_hint(d, i);
    }
}

/* How an evaluation is done. */
struct way {
    bool guided;       /* the negative prompt's row stands before the prompt's */
    bool bare;         /* and another before that, without the picture */
    size_t rows;       /* of all */
    bool shallow;      /* the deep layers are left out */
    unsigned controls; /* the networks that have a part in it, one bit each */
};

static struct way next_way(const struct guided_unet *d)
{
    const struct conditioning *c = &d->g->conditioning;
    struct way way = {.guided = d->evaluation >= c->guided && d->evaluation < c->guided_end};

    way.bare = way.guided && has_bare_row(d->g);
    way.controls = control_maps_active(d->g->params, d->evaluation, sampling_plan_evaluations(d->g->plan));
    way.rows = c->prompt.prompt.parts + way.guided + way.bare;
    way.shallow = d->evaluation % d->g->params->deepcache_interval != 0 && way.rows <= d->deep_rows;
    return way;
}

/* Prompts may change between evaluations. */
static void set_texts(struct guided_unet *d)
{
    if (change_texts(d->texts, d->g, d->evaluation))
        make_table(d->texts, d->g, d->exec);
}

static void go_on(struct guided_unet *d, struct way way)
{
    if (!way.shallow)
        d->deep_rows = way.rows;
    d->evaluation++;
}

/* What the networks that have a part in an evaluation add, in so many rows; it is in the arena. */
static const struct unet_control *run_controls(struct guided_unet *d, struct way way,
                                               struct unet_control *control)
{
    const struct ltd_control *asked = d->g->params->controls;
    bool add = false;

    if (way.controls == 0)
        return NULL;
    unet_control_take(unet_config(d->g->model->unet), d->exec, control, tensor_items(d->y, 0, way.rows));
    for (size_t i = 0; i + 1 < network_count(d->g); i++) {
        if (!(way.controls & 1u << i))
            continue;
        control_net_forward(d->g->nets[i], d->exec, control, add, asked[i].weight, d->x, d->hint[i],
                            &d->input[i + 1]);
        add = true;
    }
    return control;
}

/* The next evaluation; returns what it says, [rows, h, w, c]. */
static struct tensor evaluate(struct guided_unet *d, struct way way)
{
    const size_t first = rows_of(d->g) - way.rows;
    const size_t times = times_of(d->texts, d->g);
    const struct tensor x = d->x.n > 1 ? tensor_items(d->x, first, way.rows) : d->x;
    const size_t mark = exec_mark(d->exec);
    struct tensor y = tensor_items(d->y, 0, way.rows);
    struct unet_control control;

    for (size_t i = 0; i < network_count(d->g); i++) {
        d->input[i].text = first;
        d->input[i].time = (size_t)d->evaluation * times + (times > 1 ? first : 0);
    }
    d->input[0].shallow = way.shallow;
    if (d->deep.data)
        d->input[0].deep = tensor_items(d->deep, first, way.rows);
    d->input[0].control = run_controls(d, way, &control);
    unet_forward(d->g->model->unet, d->exec, y, x, &d->input[0]);
    d->input[0].control = NULL;
    exec_rewind(d->exec, mark);
    go_on(d, way);
    return y;
}

/* One evaluation of each way stands for the rest, for as long as the same networks have a part in them. */
void guided_unet_measure(struct guided_unet *d)
{
    const int count = sampling_plan_evaluations(d->g->plan);
    double known[2][2] = {{0}};
    unsigned controls = 0;

    while (d->evaluation < count) {
        const struct way way = next_way(d);
        double *flop = &known[way.guided][way.shallow];
        double before;

        if (way.controls != controls)
            memset(known, 0, sizeof known);
        controls = way.controls;
        set_texts(d);
        before = d->exec->flop;
        if (*flop > 0) {
            d->exec->flop += *flop;
            go_on(d, way);
        } else {
            evaluate(d, way);
            *flop = d->exec->flop - before;
        }
    }
}

bool guided_unet_predict(void *self, float *out, const float *x, double timestep)
{
    struct guided_unet *d = self;
    const struct prompt *prompt = &d->g->conditioning.prompt.prompt;
    const struct way way = next_way(d);
    const size_t pixels = d->x.h * d->x.w;
    double weights[PROMPT_MAX_PARTS];
    const struct guidance_sum sum = {way.guided, d->g->params->cfg_scale, prompt->parts, weights,
                                     d->g->params->cfg_rescale};
    struct tensor y;

    (void)timestep; /* the table has it */
    for (size_t i = 0; i < prompt->parts; i++)
        weights[i] = prompt->part[i].weight;
    for (size_t i = 0; i < d->x.n; i++)
        latent_to_channels(tensor_item(d->x, i), 0, x, d->y.c);
    set_texts(d);
    y = evaluate(d, way);
    if (exec_is_canceled(d->exec))
        return false;
    if (way.bare)
        guidance_sum_with_image(&sum, d->g->params->image_guidance_scale, y.data, pixels * y.c);
    else
        guidance_sum(&sum, y.data, y.data, pixels * y.c);
    latent_to_chw(out, y.data, pixels, y.c);
    return true;
}
