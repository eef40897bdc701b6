#include "pipeline/guided_unet.h"

#include <string.h>

#include "pipeline/latent_layout.h"
#include "sampling/guidance_sum.h"

static struct tensor make_times(const struct generation *g, struct exec *e)
{
    const struct unet *u = g->model->unet;
    const size_t count = (size_t)sampling_plan_evaluations(g->plan);
    struct tensor times = exec_tensor(e, count, 1, 1, unet_time_channels(u));
    const size_t mark = exec_mark(e);
    double *timesteps = arena_alloc(e->arena, count, sizeof *timesteps);

    if (!exec_is_dry(e))
        for (size_t i = 0; i < count; i++)
            timesteps[i] = sampling_plan_timestep(g->plan, (int)i);
    unet_time_forward(u, e, times, timesteps);
    exec_rewind(e, mark);
    return times;
}

/* Notes which texts count in an evaluation; true: others than before. */
static bool change_texts(struct guided_texts *t, const struct conditioning *c, int evaluation)
{
    bool changed = false;

    for (size_t i = 0; i < c->rows; i++) {
        const size_t text = conditioning_text(c, i, evaluation);

        changed |= t->now[i] != text;
        t->now[i] = text;
    }
    return changed;
}

static void make_table(const struct guided_texts *t, const struct generation *g, struct exec *e)
{
    const size_t mark = exec_mark(e), rows = g->conditioning.rows;
    struct tensor context = exec_tensor(e, rows, t->contexts.h, t->contexts.w, t->contexts.c);

    for (size_t i = 0; i < rows && !exec_is_dry(e); i++)
        memcpy(tensor_item(context, i).data, tensor_item(t->contexts, t->now[i]).data,
               tensor_count(context) / rows * sizeof *context.data);
    unet_text_forward(g->model->unet, e, t->table, context);
    exec_rewind(e, mark);
}

struct guided_texts guided_texts_make(const struct generation *g, struct exec *e)
{
    const struct conditioning *c = &g->conditioning;
    struct guided_texts t = {
        .table = exec_tensor(e, c->rows, conditioning_tokens(c), 1, unet_text_channels(g->model->unet))};
    const size_t mark = exec_mark(e);

    t.contexts = conditioning_encode(c, e);
    change_texts(&t, c, 0);
    make_table(&t, g, e);
    if (t.contexts.n == c->rows)
        exec_rewind(e, mark);
    return t;
}

void guided_unet_begin(struct guided_unet *d, const struct generation *g, struct exec *e,
                       struct guided_texts *texts, struct tensor shape)
{
    const size_t rows = g->conditioning.rows;

    *d = (struct guided_unet){.g = g, .exec = e, .texts = texts};
    d->x = exec_like(e, shape);
    d->y = exec_tensor(e, rows, shape.h, shape.w, shape.c);
    if (g->params->deepcache_interval > 1)
        d->deep = exec_tensor(e, rows, shape.h, shape.w, unet_deep_channels(g->model->unet));
    d->input = (struct unet_input){.times = make_times(g, e), .texts = texts->table};
}

/* How an evaluation is done. */
struct way {
    bool guided;  /* the negative prompt's row stands before the prompt's */
    size_t rows;  /* of all */
    bool shallow; /* the deep layers are left out */
};

static struct way next_way(const struct guided_unet *d)
{
    const struct conditioning *c = &d->g->conditioning;
    const int evaluation = (int)d->input.time;
    struct way way = {.guided = evaluation >= c->guided && evaluation < c->guided_end};

    way.rows = c->prompt.prompt.parts + way.guided;
    way.shallow = evaluation % d->g->params->deepcache_interval != 0 && way.rows <= d->deep_rows;
    return way;
}

/* Prompts may change between evaluations. */
static void set_texts(struct guided_unet *d)
{
    if (change_texts(d->texts, &d->g->conditioning, (int)d->input.time))
        make_table(d->texts, d->g, d->exec);
}

static void go_on(struct guided_unet *d, struct way way)
{
    if (!way.shallow)
        d->deep_rows = way.rows;
    d->input.time++;
}

/* The next evaluation; returns what it says, [rows, h, w, c]. */
static struct tensor evaluate(struct guided_unet *d, struct way way)
{
    const size_t first = d->g->conditioning.rows - way.rows;
    struct tensor y = tensor_items(d->y, 0, way.rows);

    d->input.text = first;
    d->input.shallow = way.shallow;
    if (d->deep.data)
        d->input.deep = tensor_items(d->deep, first, way.rows);
    unet_forward(d->g->model->unet, d->exec, y, d->x, &d->input);
    go_on(d, way);
    return y;
}

/* One evaluation of each way stands for the rest. */
void guided_unet_measure(struct guided_unet *d)
{
    const size_t count = (size_t)sampling_plan_evaluations(d->g->plan);
    double known[2][2] = {{0}};

    while (d->input.time < count) {
        const struct way way = next_way(d);
        double *flop = &known[way.guided][way.shallow];
        double before;

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
    latent_to_nhwc(d->x, x);
    set_texts(d);
    y = evaluate(d, way);
    if (exec_is_canceled(d->exec))
        return false;
    guidance_sum(&sum, y.data, y.data, pixels * d->x.c);
    latent_to_chw(out, y.data, pixels, d->x.c);
    return true;
}
