#include "vae/vae_mid.h"

#include <math.h>

#include "kernels/attention.h"
#include "kernels/elementwise.h"

#define VAE_EPS 1e-6

void vae_resblock_bind(struct resblock *r, struct binder *b, size_t c_in, size_t c_out, size_t groups)
{
    const struct resblock_config config = {.c_in = c_in,
                                           .c_out = c_out,
                                           .time = TIME_NONE,
                                           .groups = groups,
                                           .eps = VAE_EPS,
                                           .output_scale = 1.0};

    resblock_bind(r, b, &config);
}

static void attention_bind(struct vae_mid *m, struct binder *b, size_t c, size_t groups)
{
    const size_t mark = binder_enter(b, "attentions.0");
    const bool old = binder_has(b, "query.weight");

    group_norm_bind(&m->norm, b, "group_norm", c, groups, VAE_EPS);
    linear_bind(&m->q, b, old ? "query" : "to_q", c, c, WITH_BIAS);
    linear_bind(&m->k, b, old ? "key" : "to_k", c, c, WITH_BIAS);
    linear_bind(&m->v, b, old ? "value" : "to_v", c, c, WITH_BIAS);
    linear_bind(&m->out, b, old ? "proj_attn" : "to_out.0", c, c, WITH_BIAS);
    binder_leave(b, mark);
}

void vae_mid_bind(struct vae_mid *m, struct binder *b, size_t channels, size_t groups, bool attends)
{
    const size_t outer = binder_enter(b, "mid_block");
    size_t mark = binder_enter(b, "resnets.0");

    vae_resblock_bind(&m->first, b, channels, channels, groups);
    binder_leave(b, mark);
    m->attends = attends;
    if (attends)
        attention_bind(m, b, channels, groups);
    mark = binder_enter(b, "resnets.1");
    vae_resblock_bind(&m->last, b, channels, channels, groups);
    binder_leave(b, mark);
    binder_leave(b, outer);
}

/* h += out(attention(q(n), k(n), v(n))), n = norm(h) */
static void attend(const struct vae_mid *m, struct exec *e, struct tensor h)
{
    const size_t mark = exec_mark(e);
    struct tensor tokens = tensor_as_tokens(h); /* [n, h * w, c] */
    struct tensor n = exec_like(e, tokens), q = exec_like(e, tokens), k = exec_like(e, tokens);
    struct tensor v = exec_like(e, tokens);

    group_norm(e, n, tokens, &m->norm, false);
    linear_forward(&m->q, e, q, n);
    linear_forward(&m->k, e, k, n);
    linear_forward(&m->v, e, v, n);
    attention(e, n, q, k, v, 1, 1.0 / sqrt((double)h.c), false);
    linear_forward_add(&m->out, e, tokens, n);
    exec_rewind(e, mark);
}

void vae_mid_forward(const struct vae_mid *m, struct exec *e, struct tensor y, struct tensor x)
{
    const size_t mark = exec_mark(e);
    struct tensor h = exec_like(e, x);

    resblock_forward(&m->first, e, h, x, RESBLOCK_NO_TIME, KEEP_INPUT);
    if (m->attends)
        attend(m, e, h);
    resblock_forward(&m->last, e, y, h, RESBLOCK_NO_TIME, SPEND_INPUT);
    exec_rewind(e, mark);
}

void vae_mid_keys(const struct vae_mid *m, struct exec *e, struct tensor y, struct tensor x)
{
    const size_t mark = exec_mark(e);
    struct tensor h = exec_like(e, x);

    resblock_forward(&m->first, e, h, x, RESBLOCK_NO_TIME, KEEP_INPUT);
    group_norm(e, h, h, &m->norm, false);
    linear_forward(&m->k, e, y, h);
    exec_rewind(e, mark);
}
