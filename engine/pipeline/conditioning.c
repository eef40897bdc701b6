#include "pipeline/conditioning.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/guidance.h"
#include "pipeline/prompt_memory.h"
#include "pipeline/text_stack.h"

/* AUTOMATIC1111 counts evaluations of the network, of which these samplers make two a step. */
static bool evaluates_twice(enum ltd_sampler sampler)
{
    return sampler == LTD_SAMPLER_HEUN || sampler == LTD_SAMPLER_DPM2 || sampler == LTD_SAMPLER_DPM2_A ||
           sampler == LTD_SAMPLER_DPMPP_SDE || sampler == LTD_SAMPLER_DPMPP_2S_A ||
           sampler == LTD_SAMPLER_RESTART;
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

bool conditioning_is_guided(const struct ltd_model *model, const struct ltd_gen_params *params,
                            const struct prompt *prompt)
{
    /* A distilled network is told the scale instead. */
    if (unet_config(model->unet)->guidance_channels > 0)
        return false;
    if (params->profile == LTD_PROFILE_DIFFUSERS)
        return params->cfg_scale > 1.0 && (!model->info.edits || params->image_guidance_scale >= 1.0);
    if (model->info.edits && params->image_guidance_scale != 1.0)
        return true;
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

/* to [length] = a chunk's ids, filled up as the second tokenizer does it */
static void fill_up(int32_t *to, const int32_t *ids, size_t length, const struct clip_tokenizer *tokenizer)
{
    bool ended = false;

    for (size_t i = 0; i < length; i++) {
        to[i] = ended ? clip_tokenizer_pad(tokenizer) : ids[i];
        ended |= ids[i] == clip_tokenizer_eos(tokenizer);
    }
}

/* Ids for the second text encoder.  AUTOMATIC1111 reads a prompt once, and fills it up otherwise; diffusers
 * reads it with the second tokenizer, which takes an exclamation mark for the token that it fills up with. */
static enum ltd_status read_second(struct conditioning_side *side, const struct ltd_model *model,
                                   const struct prompt_reader *reader, bool grammar, const char *text,
                                   struct ltd_error *err)
{
    const struct prompt_chunks *chunks = &side->prompt.chunks;
    const struct prompt_reader second = {model->tokenizer_2, reader->names, reader->length};
    struct prompt_chunks read = {0};
    enum ltd_status st = LTD_OK;
    size_t cut;

    if (!model->tokenizer_2 || chunks->count == 0)
        return LTD_OK;
    side->ids_2 = calloc(chunks->count, reader->length * sizeof *side->ids_2);
    if (!side->ids_2)
        return ltd_fail(err, LTD_ENOMEM, "no memory for the prompt");
    for (size_t i = 0; i < chunks->count; i++)
        fill_up(side->ids_2 + i * reader->length, chunks->ids + i * reader->length, reader->length,
                model->tokenizer_2);
    if (!grammar)
        st = prompt_chunks_add_cut(&read, &second, text, &cut, err);
    if (!grammar && st == LTD_OK)
        memcpy(side->ids_2, read.ids, reader->length * sizeof *read.ids);
    prompt_chunks_fini(&read);
    return st;
}

/* Once it is known how many chunks a row has. */
static enum ltd_status complete_side(struct conditioning_side *side, const struct ltd_model *model,
                                     const struct prompt_rules *rules, size_t chunks, const char *text,
                                     struct ltd_error *err)
{
    enum ltd_status st = LTD_OK;

    if (is_short(&side->prompt, chunks))
        st = add_empty_chunk(side, &rules->reader, err);
    if (st == LTD_OK)
        st = read_second(side, model, &rules->reader, rules->grammar, text, err);
    if (st != LTD_OK)
        return st;
    side->recalled = calloc(side->prompt.chunks.count + 1, sizeof *side->recalled);
    return side->recalled ? LTD_OK : ltd_fail(err, LTD_ENOMEM, "no memory for the prompt");
}

/* Layers to leave out for the prompt, and for the negative one.  AUTOMATIC1111 leaves XL's encoders as they
 * are. */
static void set_skips(struct conditioning *c, const struct ltd_gen_params *params)
{
    const bool diffusers = params->profile == LTD_PROFILE_DIFFUSERS;

    if (diffusers || text_stack_pooled_channels(c->model) == 0)
        c->prompt.skip = (size_t)params->clip_skip;
    c->negative.skip = diffusers ? 0 : c->prompt.skip;
}

/* AUTOMATIC1111 takes zeros for every XL model; diffusers asks the model, and tells an empty negative prompt
 * from one that is not there, which no request does. */
static bool is_zero(const struct ltd_model *model, const struct ltd_gen_params *params)
{
    return text_stack_pooled_channels(model) > 0 && *params->negative_prompt == '\0' &&
           (model->zero_empty || params->profile == LTD_PROFILE_A1111);
}

enum ltd_status conditioning_init(struct conditioning *c, const struct ltd_model *model,
                                  const struct ltd_gen_params *params, int evaluations, struct ltd_error *err)
{
    const struct prompt_rules rules = conditioning_rules(model, params, CONDITIONING_PROMPT);
    const struct prompt_rules negative = conditioning_rules(model, params, CONDITIONING_NEGATIVE);
    enum ltd_status st;

    *c = (struct conditioning){.model = model};
    set_skips(c, params);
    c->negative.zero = is_zero(model, params);
    st = prompt_read(&c->prompt.prompt, &rules, params->prompt, err);
    if (st != LTD_OK)
        return st;
    guidance_interval(params, conditioning_is_guided(model, params, &c->prompt.prompt), evaluations,
                      &c->guided, &c->guided_end);
    if (c->guided < c->guided_end)
        st = prompt_read(&c->negative.prompt, &negative, params->negative_prompt, err);
    c->rows = c->negative.prompt.parts + c->prompt.prompt.parts;
    c->chunks = longest(&c->prompt.prompt);
    if (longest(&c->negative.prompt) > c->chunks)
        c->chunks = longest(&c->negative.prompt);
    if (st == LTD_OK)
        st = complete_side(&c->negative, model, &rules, c->chunks, params->negative_prompt, err);
    if (st == LTD_OK)
        st = complete_side(&c->prompt, model, &rules, c->chunks, params->prompt, err);
    return st;
}

static void side_fini(struct conditioning_side *side, const struct ltd_model *model)
{
    for (size_t i = 0; side->recalled && i < side->prompt.chunks.count; i++)
        value_cache_release(model->prompts, side->recalled[i]);
    free(side->recalled);
    free(side->ids_2);
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

    return (struct prompt_row){side->prompt.chunks.ids + chunk * length,
                               side->ids_2 ? side->ids_2 + chunk * length : NULL, length, side->skip};
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
    struct conditioning_texts texts; /* the side's */
    struct tensor empty; /* [1, length, 1, channels]: the chunk without tokens, where there is one */
};

static size_t chunk_length(const struct encoder *n)
{
    return (size_t)n->c->model->info.token_limit;
}

static struct tensor chunk_of(const struct encoder *n, size_t text, size_t chunk)
{
    struct tensor t = tensor_item(n->texts.contexts, text);

    t.h = chunk_length(n);
    t.data += chunk * t.h * t.c;
    return t;
}

static void copy(const struct encoder *n, struct tensor y, const float *x)
{
    if (!exec_is_dry(n->e))
        memcpy(y.data, x, tensor_count(y) * sizeof *x);
}

static void clear(const struct encoder *n, struct tensor y)
{
    if (!exec_is_dry(n->e))
        memset(y.data, 0, tensor_count(y) * sizeof *y.data);
}

/* known [context, pooled]: the text encoders' result for a chunk. */
static void run_encoders(const struct encoder *n, struct tensor known, struct tensor y, struct tensor pooled,
                         size_t chunk)
{
    const struct prompt_row row = row_of(n->c, n->side, chunk);

    y.data = known.data;
    pooled.data = known.data + tensor_count(y);
    text_stack_forward(n->c->model, n->e, y, pooled, &row);
    /* Half of a context would be remembered for good. */
    if (!exec_is_dry(n->e) && !exec_is_canceled(n->e))
        prompt_remember(n->c->model->prompts, &row, known);
}

/* y [1, length, 1, channels] and pooled [1, 1, 1, channels] = text_encoders(chunk), before its weights */
static void encode_chunk(const struct encoder *n, struct tensor y, struct tensor pooled, size_t chunk)
{
    const size_t mark = exec_mark(n->e);
    const struct cached_value *recalled = n->side->recalled[chunk];
    struct tensor known = {.n = 1, .h = 1, .w = 1, .c = tensor_count(y) + tensor_count(pooled)};

    if (recalled) {
        copy(n, y, cached_value_data(recalled));
        copy(n, pooled, (const float *)cached_value_data(recalled) + tensor_count(y));
        return;
    }
    known = exec_like(n->e, known);
    run_encoders(n, known, y, pooled, chunk);
    copy(n, y, known.data);
    copy(n, pooled, known.data + tensor_count(y));
    exec_rewind(n->e, mark);
}

/* The weight of token k of a chunk; what a text is filled with weighs 1. */
static float weight_of(const struct encoder *n, const struct prompt_text *text, size_t chunk, size_t k)
{
    return chunk < text->chunks ? n->side->prompt.chunks.weights[(text->first + chunk) * chunk_length(n) + k]
                                : 1;
}

/* The channels that one text encoder gave. */
struct span {
    size_t first, end;
};

/* Of a chunk of all texts of a part: sums of what the encoder gave, and of that times the weights. */
struct sums {
    double plain, weighted;
    bool differ; /* a weight is not 1 */
};

/* Every text counts as often as it has turns. */
static void add_chunk(const struct encoder *n, struct span span, size_t text, size_t chunk, struct sums *sums)
{
    const struct prompt_text *t = &n->side->prompt.text[text];
    const struct tensor z = chunk_of(n, text, chunk);

    for (size_t k = 0; k < z.h; k++) {
        const float weight = weight_of(n, t, chunk, k);

        for (size_t i = span.first; i < span.end; i++) {
            sums->plain += (double)t->turns * (double)z.data[k * z.c + i];
            sums->weighted += (double)t->turns * (double)(z.data[k * z.c + i] * weight);
        }
        sums->differ |= weight != 1;
    }
}

static void scale_chunk(const struct encoder *n, struct span span, size_t text, size_t chunk, float scale)
{
    const struct tensor z = chunk_of(n, text, chunk);

    for (size_t k = 0; k < z.h; k++)
        for (size_t i = span.first; i < span.end; i++)
            z.data[k * z.c + i] =
                z.data[k * z.c + i] * weight_of(n, &n->side->prompt.text[text], chunk, k) * scale;
}

/* z *= weights; z *= mean before / mean after, of each text encoder for itself.  The reference encodes all
 * texts of a schedule as one batch, and takes its means over that. */
static void emphasize(const struct encoder *n, const struct prompt_part *part, size_t chunk)
{
    const struct clip_text *text;
    struct span span = {0, 0};

    for (size_t k = 0; (text = text_stack_at(n->c->model, k)); k++) {
        struct sums sums = {0};

        span = (struct span){span.end, span.end + clip_text_config(text)->channels};
        for (size_t i = part->first_text; i < part->first_text + part->texts; i++)
            add_chunk(n, span, i, chunk, &sums);
        for (size_t i = part->first_text; i < part->first_text + part->texts && sums.differ; i++)
            scale_chunk(n, span, i, chunk, (float)sums.plain / (float)sums.weighted);
    }
}

/* A text's chunk; what is pooled of a text is its first chunk's. */
static void encode_text(const struct encoder *n, size_t text, size_t chunk)
{
    const struct prompt_text *t = &n->side->prompt.text[text];
    const struct tensor y = chunk_of(n, text, chunk);
    const size_t mark = exec_mark(n->e);
    struct tensor pooled = tensor_item(n->texts.pooled, text);

    if (chunk > 0)
        pooled = exec_like(n->e, pooled);
    if (n->side->zero) {
        clear(n, y);
        clear(n, pooled);
    } else if (chunk < t->chunks) {
        encode_chunk(n, y, pooled, t->first + chunk);
    } else {
        copy(n, y, n->empty.data);
    }
    exec_rewind(n->e, mark);
}

/* Every text of a part gets the chunks of its longest one. */
static void encode_part(const struct encoder *n, const struct prompt_part *part)
{
    for (size_t i = part->first_text; i < part->first_text + part->texts; i++)
        for (size_t k = 0; k < part->chunks; k++)
            encode_text(n, i, k);
    for (size_t k = 0; k < part->chunks && !exec_is_dry(n->e); k++)
        emphasize(n, part, k);
}

/* Of several parts, the shorter ones are filled with their last vector; a prompt that is shorter than the
 * other one, with chunks without tokens. */
static void pad_part(const struct encoder *n, const struct prompt_part *part)
{
    const size_t chunks = longest(&n->side->prompt), length = chunk_length(n);

    for (size_t i = part->first_text; i < part->first_text + part->texts; i++) {
        const struct tensor all = tensor_item(n->texts.contexts, i);

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
    const size_t mark = exec_mark(n->e);

    if (n->side->padded)
        encode_chunk(n, n->empty, exec_tensor(n->e, 1, 1, 1, n->texts.pooled.c), p->chunks.count - 1);
    exec_rewind(n->e, mark);
    for (size_t i = 0; i < p->parts; i++) {
        encode_part(n, &p->part[i]);
        pad_part(n, &p->part[i]);
    }
}

size_t conditioning_tokens(const struct conditioning *c)
{
    return c->chunks * (size_t)c->model->info.token_limit;
}

size_t conditioning_text_count(const struct conditioning *c)
{
    return c->negative.prompt.texts + c->prompt.prompt.texts;
}

static struct conditioning_texts texts_of(struct conditioning_texts all, size_t first, size_t count)
{
    return (struct conditioning_texts){tensor_items(all.contexts, first, count),
                                       tensor_items(all.pooled, first, count)};
}

struct conditioning_texts conditioning_encode(const struct conditioning *c, struct exec *e)
{
    const size_t length = (size_t)c->model->info.token_limit, channels = text_stack_channels(c->model),
                 count = conditioning_text_count(c), before = c->negative.prompt.texts;
    const struct conditioning_texts texts = {
        .contexts = exec_tensor(e, count, conditioning_tokens(c), 1, channels),
        .pooled = exec_tensor(e, count, 1, 1, text_stack_pooled_channels(c->model))};
    const size_t mark = exec_mark(e);
    struct encoder n = {.c = c, .e = e};

    n.empty = exec_tensor(e, 1, length, 1, channels);
    n.side = &c->negative;
    n.texts = texts_of(texts, 0, before);
    encode_side(&n);
    n.side = &c->prompt;
    n.texts = texts_of(texts, before, count - before);
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
