#include "pipeline/guided_unet.h"

#include "pipeline/guidance.h"
#include "pipeline/latent_layout.h"

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

void guided_unet_begin(struct guided_unet *d, const struct generation *g, struct exec *e, struct tensor texts,
                       struct tensor shape)
{
    *d = (struct guided_unet){.g = g, .exec = e};
    guidance_interval(g->params, sampling_plan_evaluations(g->plan), &d->guided, &d->guided_end);
    d->x = exec_like(e, shape);
    d->y = exec_tensor(e, g->rows, shape.h, shape.w, shape.c);
    if (g->params->deepcache_interval > 1)
        d->deep = exec_tensor(e, g->rows, shape.h, shape.w, unet_deep_channels(g->model->unet));
    d->input = (struct unet_input){.times = make_times(g, e), .texts = texts};
}

/* How an evaluation is done. */
struct way {
    size_t rows;  /* 1: the prompt's; 2: the negative prompt's and the prompt's */
    bool shallow; /* the deep layers are left out */
};

static struct way next_way(const struct guided_unet *d)
{
    const int evaluation = (int)d->input.time;
    struct way way = {.rows = evaluation >= d->guided && evaluation < d->guided_end ? 2 : 1};

    way.shallow = evaluation % d->g->params->deepcache_interval != 0 && way.rows <= d->deep_rows;
    return way;
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
    const size_t first = d->g->rows - way.rows;
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
    double known[3][2] = {{0}};

    while (d->input.time < count) {
        const struct way way = next_way(d);
        double *flop = &known[way.rows][way.shallow];
        const double before = d->exec->flop;

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
    const float w = (float)d->g->params->cfg_scale;
    const size_t pixels = d->x.h * d->x.w, n = pixels * d->x.c;
    struct tensor y;
    float *last;

    (void)timestep; /* the table has it */
    latent_to_nhwc(d->x, x);
    y = evaluate(d, next_way(d));
    if (exec_is_canceled(d->exec))
        return false;
    last = tensor_item(y, y.n - 1).data;
    if (y.n == 2)
        for (size_t i = 0; i < n; i++)
            last[i] = y.data[i] + w * (last[i] - y.data[i]);
    latent_to_chw(out, last, pixels, d->x.c);
    return true;
}
