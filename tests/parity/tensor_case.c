/* tensor_case.c - cases that run one network, or a part of it, on tensors. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "relative_error.h"
#include "run_exec.h"

/* All that the forward passes of the tensor cases take. */
struct forward {
    const struct ltd_json *c;
    const struct parts *parts;
    const char *kind;
    struct tensor y, x, context;
    struct tensor pooled; /* [n, 1, 1, c], beside sizes; no channels: the network takes none */
    double *sizes;
    const int32_t *ids;
    size_t tokens;
};

static const struct clip_text *text_of(const struct forward *r)
{
    return strcmp(case_part(r->c), "text_encoder_2") == 0 ? r->parts->text_2 : r->parts->text;
}

static bool forward_can(const struct forward *r)
{
    const char *part = case_part(r->c);

    return (strncmp(part, "text_encoder", 12) == 0 && text_of(r)) ||
           (strcmp(part, "unet") == 0 && r->parts->unet) || (strcmp(part, "vae") == 0 && r->parts->vae);
}

/* As a job does it: first what depends on the text and the timestep alone. */
static struct unet_input make_tables(const struct forward *r, const struct unet *u, struct exec *e)
{
    const size_t rows = r->pooled.c > 0 ? r->pooled.n : 1;
    const struct unet_input input = {
        .times = exec_tensor(e, rows, 1, 1, unet_time_channels(u)),
        .texts = exec_tensor(e, r->context.n, r->context.h, 1, unet_text_channels(u))};
    double *timesteps = arena_alloc(e->arena, rows, sizeof *timesteps);
    const struct unet_times times = {timesteps, exec_tensor(e, rows, 1, 1, unet_config(u)->time_channels),
                                     case_number(r->c, "guidance", 0)};

    for (size_t i = 0; i < rows && !exec_is_dry(e); i++)
        timesteps[i] = case_number(r->c, "timestep", 0);
    if (r->pooled.c > 0)
        unet_added_forward(u, e, times.added, r->pooled, r->sizes);
    unet_time_forward(u, e, input.times, &times);
    unet_text_forward(u, e, input.texts, r->context);
    return input;
}

static void unet_run(const struct forward *r, struct exec *e)
{
    const size_t mark = exec_mark(e);
    const struct unet_input input = make_tables(r, r->parts->unet, e);

    unet_forward(r->parts->unet, e, r->y, r->x, &input);
    exec_rewind(e, mark);
}

static void text_run(const struct forward *r, struct exec *e)
{
    const struct clip_text *text = text_of(r);
    const size_t skip = (size_t)case_number(r->c, "clip_skip", 0), mark = exec_mark(e);
    const struct tensor none = {0};

    if (strcmp(r->kind, "text") == 0)
        clip_text_forward(text, e, r->y, r->ids, skip);
    else if (strcmp(r->kind, "text_hidden") == 0)
        clip_text_hidden(text, e, r->y, none, r->ids, skip, -1);
    else if (strcmp(r->kind, "text_pooled") == 0)
        clip_text_hidden(text, e, exec_tensor(e, 1, r->tokens, 1, clip_text_config(text)->channels), r->y,
                         r->ids, 1, (int32_t)clip_text_config(text)->vocab - 1);
    else
        clip_text_keys(text, e, r->y, r->ids, (size_t)case_number(r->c, "layer", 0));
    exec_rewind(e, mark);
}

static void forward_run(void *arg, struct exec *e)
{
    const struct forward *r = arg;
    const bool decoder = strcmp(case_text(r->c, "part"), "decoder") == 0;

    if (r->ids)
        text_run(r, e);
    else if (strcmp(r->kind, "unet") == 0)
        unet_run(r, e);
    else if (strcmp(r->kind, "vae_decode") == 0)
        vae_decode(r->parts->vae, e, r->y, r->x);
    else if (strcmp(r->kind, "vae_encode") == 0)
        vae_encode(r->parts->vae, e, r->y, r->x);
    else
        (decoder ? vae_decoder_keys : vae_encoder_keys)(r->parts->vae, e, r->y, r->x);
}

static int32_t *to_ids(const struct operand *o)
{
    int32_t *ids = malloc(o->w->count * sizeof *ids + 1);

    for (size_t i = 0; ids && i < o->w->count; i++)
        ids[i] = (int32_t)o->values[i];
    return ids;
}

/* What a Stable Diffusion XL's U-Net takes beside its context. */
static bool load_added(struct forward *r, const struct fixture *f)
{
    const struct weight *w;
    float *sizes;

    if (!*case_text(r->c, "pooled"))
        return true;
    r->pooled.data = fixture_load(f, r->c, "pooled", &w);
    if (r->pooled.data)
        r->pooled = (struct tensor){r->pooled.data, w->dim[0], 1, 1, w->dim[1]};
    sizes = fixture_load(f, r->c, "sizes", &w);
    r->sizes = sizes ? malloc(w->count * sizeof *r->sizes) : NULL;
    for (size_t i = 0; r->sizes && i < w->count; i++)
        r->sizes[i] = (double)sizes[i];
    free(sizes);
    return r->pooled.data && r->sizes;
}

double case_error(const struct fixture *f, const struct ltd_json *c, const struct parts *parts)
{
    struct operand want = {0}, x = {0}, context = {0};
    struct forward r = {.c = c, .parts = parts, .kind = case_text(c, "kind")};
    const char *input = ltd_json_get(c, "sample") ? "sample" : ltd_json_get(c, "latent") ? "latent" : "image";
    int32_t *ids = NULL;
    double error = -1;
    bool ready = forward_can(&r) && operand_load(&want, f, c, "out");

    if (ready && strncmp(case_part(c), "text_encoder", 12) == 0) {
        x.values = fixture_load(f, c, "ids", &x.w);
        ids = x.values ? to_ids(&x) : NULL;
        ready = ids != NULL;
        r.tokens = ready ? x.w->count : 0;
    } else if (ready) {
        ready = operand_load(&x, f, c, input);
    }
    if (ready && strcmp(r.kind, "unet") == 0)
        ready = operand_load(&context, f, c, "context") && load_added(&r, f);
    r.ids = ids;
    r.x = x.t;
    r.context = context.t;
    r.y = want.t;
    r.y.data = ready ? malloc(tensor_count(want.t) * sizeof(float)) : NULL;
    if (r.y.data && run_exec(f->pool, forward_run, &r))
        error = check_relative_error(r.y.data, want.t.data, tensor_count(want.t));
    free(r.y.data);
    free(r.pooled.data);
    free(r.sizes);
    free(ids);
    operand_free(&want);
    operand_free(&x);
    operand_free(&context);
    return error;
}

struct control_run {
    struct forward forward; /* its y is what is wanted */
    const struct unet_config *base;
    const struct control_net *net;
    struct tensor picture;
    double error;
};

/* All residuals at a weight of a half, twice, so that both ways of adding them up have a part in each. */
static void control_forward(void *arg, struct exec *e)
{
    struct control_run *r = arg;
    const struct tensor x = r->forward.x, want = r->forward.y;
    const size_t mark = exec_mark(e), at = (size_t)case_number(r->forward.c, "residual", 0);
    const struct unet_input input = make_tables(&r->forward, control_net_encoder(r->net), e);
    struct tensor hint = exec_tensor(e, 1, x.h, x.w, r->base->level[0].channels), got;
    struct unet_control control;

    control_net_hint(r->net, e, hint, r->picture);
    unet_control_take(r->base, e, &control, x);
    for (int turn = 0; turn < 2; turn++)
        control_net_forward(r->net, e, &control, turn > 0, 0.5, x, hint, &input);
    got = at < unet_skip_count(r->base) ? control.skip[at] : control.mid;
    if (!exec_is_dry(e) && tensor_count(got) == tensor_count(want))
        r->error = check_relative_error(got.data, want.data, tensor_count(got));
    exec_rewind(e, mark);
}

bool control_case_passes(const struct fixture *f, const struct ltd_json *c, const struct ltd_model *model,
                         char *detail, size_t size)
{
    struct operand want = {0}, x = {0}, context = {0}, picture = {0};
    struct control_run r = {.forward.c = c, .base = unet_config(model->unet), .error = INFINITY};
    const struct control_item *item = control_nets_find(&model->control_nets, case_text(c, "model"));
    struct control_net *net = NULL;
    struct ltd_error err = {.message = "the case lacks something"};

    if (item && operand_load(&want, f, c, "out") && operand_load(&x, f, c, "sample") &&
        operand_load(&context, f, c, "context") && operand_load(&picture, f, c, "picture") &&
        load_added(&r.forward, f) && control_net_open(item->path, r.base, BIND_RUN, &net, &err) == LTD_OK) {
        r.net = net;
        r.forward.x = x.t;
        r.forward.context = context.t;
        r.forward.y = want.t;
        r.picture = picture.t;
        run_exec(f->pool, control_forward, &r);
        snprintf(detail, size, "relative error %.2e", r.error);
    } else {
        snprintf(detail, size, "%s", err.message);
    }
    control_net_close(net);
    free(r.forward.pooled.data);
    free(r.forward.sizes);
    operand_free(&want);
    operand_free(&x);
    operand_free(&context);
    operand_free(&picture);
    return r.error <= TENSOR_TOLERANCE;
}
