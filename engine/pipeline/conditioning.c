#include "pipeline/conditioning.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/guidance.h"
#include "pipeline/prompt_memory.h"

/* AUTOMATIC1111 counts evaluations of the network, of which these samplers make two a step. */
static bool evaluates_twice(enum ltd_sampler sampler)
{
    return sampler == LTD_SAMPLER_HEUN || sampler == LTD_SAMPLER_DPM2 || sampler == LTD_SAMPLER_DPM2_A ||
           sampler == LTD_SAMPLER_DPMPP_SDE;
}

struct prompt_rules conditioning_rules(const struct ltd_model *model, const struct ltd_gen_params *params,
                                       enum conditioning_role role)
{
    return (struct prompt_rules){
        .reader = {model->tokenizer, &model->embeddings.names, (size_t)model->info.token_limit},
        .grammar = params->profile == LTD_PROFILE_A1111,
        .joins = role == CONDITIONING_PROMPT,
        .steps = evaluates_twice(params->sampler) ? 2 * params->steps : params->steps,
    };
}

bool conditioning_is_guided(const struct ltd_gen_params *params, const struct prompt *prompt)
{
    if (params->profile == LTD_PROFILE_DIFFUSERS)
        return params->cfg_scale > 1.0;
    /* e_u + (e_c - e_u) is e_c. */
    return prompt->parts > 1 || prompt->part[0].weight * params->cfg_scale != 1.0;
}

static size_t longest(const struct prompt *p)
{
    size_t chunks = 0;

    for (size_t i = 0; i < p->parts; i++)
        chunks = p->part[i].chunks > chunks ? p->part[i].chunks : chunks;
    return chunks;
}

/* Whether a text has fewer chunks than the part that it is one of, or all of them fewer than a row. */
static bool is_short(const struct prompt *p, size_t chunks)
{
    bool is = p->parts > 0 && longest(p) < chunks;

    for (size_t i = 0; i < p->parts; i++)
        for (size_t k = 0; k < p->part[i].texts; k++)
            is |= p->text[p->part[i].first_text + k].chunks < p->part[i].chunks;
    return is;
}

static enum ltd_status add_empty_chunk(struct conditioning_side *side, const struct prompt_reader *reader,
                                       struct ltd_error *err)
{
    struct prompt_pieces nothing;
    enum ltd_status st = prompt_pieces_split(&nothing, "", err);

    if (st == LTD_OK)
        st = prompt_chunks_add(&side->prompt.chunks, reader, &nothing, err);
    prompt_pieces_fini(&nothing);
    side->padded = st == LTD_OK;
    return st;
}

/* Once it is known how many chunks a row has. */
static enum ltd_status complete_side(struct conditioning_side *side, const struct prompt_reader *reader,
                                     size_t chunks, struct ltd_error *err)
{
    enum ltd_status st = is_short(&side->prompt, chunks) ? add_empty_chunk(side, reader, err) : LTD_OK;

    if (st != LTD_OK)
        return st;
    side->recalled = calloc(side->prompt.chunks.count + 1, sizeof *side->recalled);
    return side->recalled ? LTD_OK : ltd_fail(err, LTD_ENOMEM, "no memory for the prompt");
}

enum ltd_status conditioning_init(struct conditioning *c, const struct ltd_model *model,
                                  const struct ltd_gen_params *params, int evaluations, struct ltd_error *err)
{
    const struct prompt_rules rules = conditioning_rules(model, params, CONDITIONING_PROMPT);
    const struct prompt_rules negative = conditioning_rules(model, params, CONDITIONING_NEGATIVE);
    enum ltd_status st;

    *c = (struct conditioning){.model = model};
    c->prompt.skip = (size_t)params->clip_skip;
    c->negative.skip = params->profile == LTD_PROFILE_DIFFUSERS ? 0 : c->prompt.skip;
    st = prompt_read(&c->prompt.prompt, &rules, params->prompt, err);
    if (st != LTD_OK)
        return st;
    guidance_interval(params, conditioning_is_guided(params, &c->prompt.prompt), evaluations, &c->guided,
                      &c->guided_end);
    if (c->guided < c->guided_end)
        st = prompt_read(&c->negative.prompt, &negative, params->negative_prompt, err);
    c->rows = c->negative.prompt.parts + c->prompt.prompt.parts;
    c->chunks = longest(&c->prompt.prompt);
    if (longest(&c->negative.prompt) > c->chunks)
        c->chunks = longest(&c->negative.prompt);
    if (st == LTD_OK)
        st = complete_side(&c->negative, &rules.reader, c->chunks, err);
    return st == LTD_OK ? complete_side(&c->prompt, &rules.reader, c->chunks, err) : st;
}

static void side_fini(struct conditioning_side *side, const struct ltd_model *model)
{
    for (size_t i = 0; side->recalled && i < side->prompt.chunks.count; i++)
        value_cache_release(model->prompts, side->recalled[i]);
    free(side->recalled);
    prompt_fini(&side->prompt);
}

void conditioning_fini(struct conditioning *c)
{
    side_fini(&c->negative, c->model);
    side_fini(&c->prompt, c->model);
    *c = (struct conditioning){0};
}

static struct prompt_row row_of(const struct conditioning *c, const struct conditioning_side *side,
                                size_t chunk)
{
    const size_t length = (size_t)c->model->info.token_limit;

    return (struct prompt_row){side->prompt.chunks.ids + chunk * length, length, side->skip};
}

static int recall_side(const struct conditioning *c, struct conditioning_side *side)
{
    int count = 0;

    for (size_t i = 0; i < side->prompt.chunks.count; i++) {
        const struct prompt_row row = row_of(c, side, i);

        side->recalled[i] = prompt_recall(c->model->prompts, &row);
        count += side->recalled[i] != NULL;
    }
    return count;
}

int conditioning_recall(struct conditioning *c)
{
    return recall_side(c, &c->negative) + recall_side(c, &c->prompt);
}

/* One side's share of the encoding. */
struct encoder {
    const struct conditioning *c;
    struct exec *e;
    const struct conditioning_side *side;
    struct tensor texts; /* [texts, chunks * length, 1, channels] */
    struct tensor empty; /* [1, length, 1, channels]: the chunk without tokens, where there is one */
};

static size_t chunk_length(const struct encoder *n)
{
    return (size_t)n->c->model->info.token_limit;
}

static struct tensor chunk_of(const struct encoder *n, size_t text, size_t chunk)
{
    struct tensor t = tensor_item(n->texts, text);

    t.h = chunk_length(n);
    t.data += chunk * t.h * t.c;
    return t;
}

static void copy(const struct encoder *n, struct tensor y, const float *x)
{
    if (!exec_is_dry(n->e))
        memcpy(y.data, x, tensor_count(y) * sizeof *x);
}

/* y [1, length, 1, channels] = text_encoder(chunk), before its weights */
static void encode_chunk(const struct encoder *n, struct tensor y, size_t chunk)
{
    const struct prompt_row row = row_of(n->c, n->side, chunk);
    const struct cached_value *known = n->side->recalled[chunk];

    if (known) {
        copy(n, y, cached_value_data(known));
        return;
    }
    clip_text_forward(n->c->model->text, n->e, y, row.ids, row.skip);
    /* Half of a context would be remembered for good. */
    if (!exec_is_dry(n->e) && !exec_is_canceled(n->e))
        prompt_remember(n->c->model->prompts, &row, y);
}

/* The weight of token k of a chunk; what a text is filled with weighs 1. */
static float weight_of(const struct encoder *n, const struct prompt_text *text, size_t chunk, size_t k)
{
    return chunk < text->chunks ? n->side->prompt.chunks.weights[(text->first + chunk) * chunk_length(n) + k]
                                : 1;
}

/* Of a chunk of all texts of a part: sums of what the encoder gave, and of that times the weights. */
struct sums {
    double plain, weighted;
    bool differ; /* a weight is not 1 */
};

/* Every text counts as often as it has turns. */
static void add_chunk(const struct encoder *n, size_t text, size_t chunk, struct sums *sums)
{
    const struct prompt_text *t = &n->side->prompt.text[text];
    const struct tensor z = chunk_of(n, text, chunk);

    for (size_t k = 0; k < z.h; k++) {
        const float weight = weight_of(n, t, chunk, k);

        for (size_t i = 0; i < z.c; i++) {
            sums->plain += (double)t->turns * (double)z.data[k * z.c + i];
            sums->weighted += (double)t->turns * (double)(z.data[k * z.c + i] * weight);
        }
        sums->differ |= weight != 1;
    }
}

static void scale_chunk(const struct encoder *n, size_t text, size_t chunk, float scale)
{
    const struct tensor z = chunk_of(n, text, chunk);

    for (size_t k = 0; k < z.h; k++)
        for (size_t i = 0; i < z.c; i++)
            z.data[k * z.c + i] =
                z.data[k * z.c + i] * weight_of(n, &n->side->prompt.text[text], chunk, k) * scale;
}

/* z *= weights; z *= mean before / mean after.  The reference encodes all texts of a schedule as one batch,
 * and takes its means over that. */
static void emphasize(const struct encoder *n, const struct prompt_part *part, size_t chunk)
{
    const size_t end = part->first_text + part->texts;
    struct sums sums = {0};

    for (size_t i = part->first_text; i < end; i++)
        add_chunk(n, i, chunk, &sums);
    for (size_t i = part->first_text; i < end && sums.differ; i++)
        scale_chunk(n, i, chunk, (float)sums.plain / (float)sums.weighted);
}

/* Every text of a part gets the chunks of its longest one. */
static void encode_part(const struct encoder *n, const struct prompt_part *part)
{
    for (size_t i = part->first_text; i < part->first_text + part->texts; i++) {
        const struct prompt_text *text = &n->side->prompt.text[i];

        for (size_t k = 0; k < part->chunks; k++) {
            if (k < text->chunks)
                encode_chunk(n, chunk_of(n, i, k), text->first + k);
            else
                copy(n, chunk_of(n, i, k), n->empty.data);
        }
    }
    for (size_t k = 0; k < part->chunks && !exec_is_dry(n->e); k++)
        emphasize(n, part, k);
}

/* Of several parts, the shorter ones are filled with their last vector; a prompt that is shorter than the
 * other one, with chunks without tokens. */
static void pad_part(const struct encoder *n, const struct prompt_part *part)
{
    const size_t chunks = longest(&n->side->prompt), length = chunk_length(n);

    for (size_t i = part->first_text; i < part->first_text + part->texts; i++) {
        const struct tensor all = tensor_item(n->texts, i);

        for (size_t k = part->chunks * length; k < chunks * length && !exec_is_dry(n->e); k++)
            memcpy(all.data + k * all.c, all.data + (part->chunks * length - 1) * all.c,
                   all.c * sizeof *all.data);
        for (size_t k = chunks; k < n->c->chunks; k++)
            copy(n, chunk_of(n, i, k), n->empty.data);
    }
}

static void encode_side(const struct encoder *n)
{
    const struct prompt *p = &n->side->prompt;

    if (n->side->padded)
        encode_chunk(n, n->empty, p->chunks.count - 1);
    for (size_t i = 0; i < p->parts; i++) {
        encode_part(n, &p->part[i]);
        pad_part(n, &p->part[i]);
    }
}

size_t conditioning_tokens(const struct conditioning *c)
{
    return c->chunks * (size_t)c->model->info.token_limit;
}

struct tensor conditioning_encode(const struct conditioning *c, struct exec *e)
{
    const size_t length = (size_t)c->model->info.token_limit,
                 channels = clip_text_config(c->model->text)->channels, before = c->negative.prompt.texts;
    const struct tensor texts =
        exec_tensor(e, before + c->prompt.prompt.texts, conditioning_tokens(c), 1, channels);
    const size_t mark = exec_mark(e);
    struct encoder n = {.c = c, .e = e};

    n.empty = exec_tensor(e, 1, length, 1, channels);
    n.side = &c->negative;
    n.texts = tensor_items(texts, 0, before);
    encode_side(&n);
    n.side = &c->prompt;
    n.texts = tensor_items(texts, before, c->prompt.prompt.texts);
    encode_side(&n);
    exec_rewind(e, mark);
    return texts;
}

size_t conditioning_text(const struct conditioning *c, size_t row, int evaluation)
{
    const size_t before = c->negative.prompt.parts;

    if (row < before)
        return prompt_text_at(&c->negative.prompt, row, evaluation);
    return c->negative.prompt.texts + prompt_text_at(&c->prompt.prompt, row - before, evaluation);
}
