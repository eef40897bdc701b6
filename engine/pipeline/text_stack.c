#include "pipeline/text_stack.h"

#include <stdbool.h>

#include "kernels/elementwise.h"

const struct clip_text *text_stack_at(const struct ltd_model *m, size_t i)
{
    return i == 0 ? m->text : i == 1 ? m->text_2 : NULL;
}

/* XL and its refiner. */
static bool takes_pooled(const struct ltd_model *m)
{
    return unet_config(m->unet)->added_channels > 0;
}

/* The encoder that gives the pooled text is the last one. */
static const struct clip_text *last_of(const struct ltd_model *m)
{
    return m->text_2 ? m->text_2 : m->text;
}

size_t text_stack_channels(const struct ltd_model *m)
{
    return clip_text_config(m->text)->channels + (m->text_2 ? clip_text_config(m->text_2)->channels : 0);
}

size_t text_stack_pooled_channels(const struct ltd_model *m)
{
    return takes_pooled(m) ? clip_text_config(last_of(m))->pooled_channels : 0;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t text_stack_layers(const struct ltd_model *m)
{
    const size_t layers = smaller(clip_text_config(m->text)->layers, clip_text_config(last_of(m))->layers);

    return takes_pooled(m) ? layers - 1 : layers;
}

size_t text_stack_positions(const struct ltd_model *m)
{
    return smaller(clip_text_config(m->text)->positions, clip_text_config(last_of(m))->positions);
}

size_t text_stack_vocab(const struct ltd_model *m)
{
    return smaller(clip_text_config(m->text)->vocab, clip_text_config(last_of(m))->vocab);
}

void text_stack_forward(const struct ltd_model *m, struct exec *e, struct tensor y, struct tensor pooled,
                        const struct prompt_row *row)
{
    const struct tensor none = {0};
    const size_t mark = exec_mark(e);
    const int32_t end = clip_tokenizer_eos(m->tokenizer);
    struct tensor first, second;

    if (!takes_pooled(m)) {
        clip_text_forward(m->text, e, y, row->ids, row->skip);
        return;
    }
    if (!m->text_2) {
        clip_text_hidden(m->text, e, y, pooled, row->ids, row->skip + 1, end);
        return;
    }
    first = exec_tensor(e, 1, y.h, 1, clip_text_config(m->text)->channels);
    second = exec_tensor(e, 1, y.h, 1, clip_text_config(m->text_2)->channels);
    clip_text_hidden(m->text, e, first, none, row->ids, row->skip + 1, end);
    clip_text_hidden(m->text_2, e, second, pooled, row->ids_2, row->skip + 1, end);
    concat_channels(e, y, first, second);
    exec_rewind(e, mark);
}

void text_stack_give_back(const struct ltd_model *m)
{
    const struct clip_text *text;

    for (size_t i = 0; (text = text_stack_at(m, i)); i++)
        weight_set_give_back(clip_text_weights(text));
}
