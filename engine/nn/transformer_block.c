#include "nn/transformer_block.h"

#include <math.h>

#include "kernels/attention.h"
#include "kernels/elementwise.h"

static void attention_bind(struct attention_layer *a, struct binder *b, const char *name, size_t channels,
                           size_t context_channels, size_t heads)
{
    const size_t mark = binder_enter(b, "%s", name);

    a->heads = heads;
    linear_bind(&a->to_q, b, "to_q", channels, channels, WITHOUT_BIAS);
    linear_bind(&a->to_k, b, "to_k", context_channels, channels, WITHOUT_BIAS);
    linear_bind(&a->to_v, b, "to_v", context_channels, channels, WITHOUT_BIAS);
    linear_bind(&a->to_out, b, "to_out.0", channels, channels, WITH_BIAS);
    binder_leave(b, mark);
}

static void place_text(struct spatial_transformer *t, struct attention_layer *a)
{
    a->text_at = t->text_channels;
    t->text_channels += 2 * t->config.channels;
}

static void block_bind(struct transformer_block *t, struct binder *b, const struct transformer_config *config)
{
    const size_t c = config->channels, context = config->context_channels;

    layer_norm_bind(&t->norm1, b, "norm1", c, 1e-5);
    attention_bind(&t->attn1, b, "attn1", c, config->only_cross_attention ? context : c, config->heads);
    layer_norm_bind(&t->norm2, b, "norm2", c, 1e-5);
    attention_bind(&t->attn2, b, "attn2", c, context, config->heads);
    layer_norm_bind(&t->norm3, b, "norm3", c, 1e-5);
    linear_bind(&t->ff_in, b, "ff.net.0.proj", c, 8 * c, WITH_BIAS);
    linear_bind(&t->ff_out, b, "ff.net.2", 4 * c, c, WITH_BIAS);
}

void spatial_transformer_bind(struct spatial_transformer *t, struct binder *b,
                              const struct transformer_config *config)
{
    const size_t c = config->channels;

    t->config = *config;
    if (config->heads == 0 || c % config->heads != 0) {
        binder_fail(b, LTD_EFORMAT, "%s: %s: %zu channels cannot be split into %zu attention heads", b->part,
                    b->prefix, c, config->heads);
        return;
    }
    group_norm_bind(&t->norm, b, "norm", c, config->groups, 1e-6);
    linear_bind(&t->proj_in, b, "proj_in", c, c, WITH_BIAS);
    t->blocks = binder_array(b, config->layers, sizeof *t->blocks);
    for (size_t i = 0; i < config->layers && t->blocks; i++) {
        const size_t mark = binder_enter(b, "transformer_blocks.%zu", i);

        block_bind(&t->blocks[i], b, config);
        if (config->only_cross_attention)
            place_text(t, &t->blocks[i].attn1);
        place_text(t, &t->blocks[i].attn2);
        binder_leave(b, mark);
    }
    linear_bind(&t->proj_out, b, "proj_out", c, c, WITH_BIAS);
}

/* The table's keys of a layer, [rows, tokens, 1, channels]; the values stand behind them. */
static struct tensor text_keys(const struct attention_layer *a, struct text_table text)
{
    return (struct tensor){text_table_from(text, a->text_at).values, text.rows, text.tokens, 1,
                           a->to_k.weight.rows};
}

static struct tensor behind(struct tensor t)
{
    t.data += tensor_count(t);
    return t;
}

static void fill_text(const struct attention_layer *a, struct exec *e, struct text_table text,
                      struct tensor context)
{
    const struct tensor k = text_keys(a, text);

    linear_forward(&a->to_k, e, k, context);
    linear_forward(&a->to_v, e, behind(k), context);
}

void spatial_transformer_text(const struct spatial_transformer *t, struct exec *e, struct text_table table,
                              struct tensor context)
{
    for (size_t i = 0; i < t->config.layers; i++) {
        if (t->config.only_cross_attention)
            fill_text(&t->blocks[i].attn1, e, table, context);
        fill_text(&t->blocks[i].attn2, e, table, context);
    }
}

/* y [n, tokens, c] += to_out(attention(to_q(x), k, v)), x and y as far as they are known */
static void attend(const struct attention_layer *a, struct exec *e, struct tensor y, struct tensor x,
                   size_t known, struct tensor k, struct tensor v)
{
    const size_t mark = exec_mark(e);
    struct tensor q = exec_like(e, y), out = exec_like(e, y); /* [n, tokens, c] */

    linear_forward(&a->to_q, e, tensor_items(q, 0, known), tensor_items(x, 0, known));
    repeat_first_item(e, q, known);
    repeat_first_item(e, y, known);
    attention(e, out, q, k, v, a->heads, 1.0 / sqrt((double)(x.c / a->heads)), false);
    linear_forward_add(&a->to_out, e, y, out);
    exec_rewind(e, mark);
}

static void self_attend(const struct attention_layer *a, struct exec *e, struct tensor y, struct tensor x)
{
    const size_t mark = exec_mark(e);
    struct tensor k = exec_like(e, x), v = exec_like(e, x); /* [n, tokens, c] */

    linear_forward(&a->to_k, e, k, x);
    linear_forward(&a->to_v, e, v, x);
    attend(a, e, y, x, x.n, k, v);
    exec_rewind(e, mark);
}

/* What is known afterwards: everything. */
static void cross_attend(const struct attention_layer *a, struct exec *e, struct tensor y, struct tensor x,
                         size_t known, struct text_table text)
{
    struct tensor k = text_keys(a, text), v = behind(k); /* [rows, keys, c] */

    attend(a, e, y, x, known, tensor_items(k, text.first, y.n), tensor_items(v, text.first, y.n));
}

/* h += ff_out(geglu(ff_in(x))) */
static void feed_forward(const struct transformer_block *t, struct exec *e, struct tensor h, struct tensor x)
{
    const size_t mark = exec_mark(e);
    struct tensor gated = exec_tensor(e, x.n, x.h, x.w, 4 * x.c);

    linear_forward_geglu(&t->ff_in, e, gated, x);
    linear_forward_add(&t->ff_out, e, h, gated);
    exec_rewind(e, mark);
}

/* h += attn1(norm1(h)); h += attn2(norm2(h), text); h += ff(norm3(h)) */
static void block_forward(const struct transformer_block *t, struct exec *e, struct tensor h, size_t known,
                          struct text_table text, bool only_cross_attention)
{
    const size_t mark = exec_mark(e);
    struct tensor n = exec_like(e, h); /* [n, tokens, c] */

    layer_norm(e, tensor_items(n, 0, known), tensor_items(h, 0, known), &t->norm1);
    if (only_cross_attention) {
        cross_attend(&t->attn1, e, h, n, known, text);
        known = h.n;
    } else {
        self_attend(&t->attn1, e, tensor_items(h, 0, known), tensor_items(n, 0, known));
    }
    layer_norm(e, tensor_items(n, 0, known), tensor_items(h, 0, known), &t->norm2);
    cross_attend(&t->attn2, e, h, n, known, text);
    layer_norm(e, n, h, &t->norm3);
    feed_forward(t, e, h, n);
    exec_rewind(e, mark);
}

void spatial_transformer_forward(const struct spatial_transformer *t, struct exec *e, struct tensor x,
                                 size_t known, struct text_table text)
{
    const size_t mark = exec_mark(e);
    struct tensor n = exec_like(e, x);
    struct tensor h = tensor_as_tokens(exec_like(e, x)); /* [n, h * w, c] */

    group_norm(e, tensor_items(n, 0, known), tensor_items(x, 0, known), &t->norm, false);
    linear_forward(&t->proj_in, e, tensor_items(h, 0, known), tensor_as_tokens(tensor_items(n, 0, known)));
    for (size_t i = 0; i < t->config.layers; i++)
        block_forward(&t->blocks[i], e, h, i == 0 ? known : x.n, text, t->config.only_cross_attention);
    repeat_first_item(e, x, known);
    linear_forward_add(&t->proj_out, e, tensor_as_tokens(x), h);
    exec_rewind(e, mark);
}
