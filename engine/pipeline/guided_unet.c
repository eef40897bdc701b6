#include "pipeline/guided_unet.h"

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
    d->x = exec_like(e, shape);
    d->y = exec_tensor(e, g->rows, shape.h, shape.w, shape.c);
    d->input = (struct unet_input){.times = make_times(g, e), .texts = texts};
}

static void evaluate(struct guided_unet *d)
{
    unet_forward(d->g->model->unet, d->exec, d->y, d->x, &d->input);
    d->input.time++;
}

/* They are all alike: one stands for the rest. */
void guided_unet_measure(struct guided_unet *d)
{
    const double before = d->exec->flop;

    evaluate(d);
    d->exec->flop += (d->exec->flop - before) * (sampling_plan_evaluations(d->g->plan) - 1);
}

bool guided_unet_predict(void *self, float *out, const float *x, double timestep)
{
    struct guided_unet *d = self;
    const float w = (float)d->g->params->cfg_scale;
    const size_t pixels = d->x.h * d->x.w, n = pixels * d->x.c;
    float *last = d->y.data + (d->y.n - 1) * n;

    (void)timestep; /* the table has it */
    latent_to_nhwc(d->x, x);
    evaluate(d);
    if (exec_is_canceled(d->exec))
        return false;
    if (d->y.n == 2)
        for (size_t i = 0; i < n; i++)
            last[i] = d->y.data[i] + w * (last[i] - d->y.data[i]);
    latent_to_chw(out, last, pixels, d->x.c);
    return true;
}
