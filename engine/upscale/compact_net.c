#include "upscale/compact_net.h"

#include <stdio.h>

#include "upscale/pixel_shuffle.h"

#define IMAGE_CHANNELS 3
#define MAX_FACTOR     16

static const struct weight *layer(const struct binder *b, size_t i)
{
    char name[64];

    snprintf(name, sizeof name, "body.%zu.weight", i);
    return weight_set_find(b->weights, name);
}

/* Convolutions have even numbers; the last one gives three channels for each pixel that one becomes. */
static void tell_net(struct compact_net *net, struct binder *b)
{
    const struct weight *first = layer(b, 0), *last = first;
    size_t out, factor = 1;

    for (size_t i = 0; i < weight_set_count(b->weights); i++)
        if (layer(b, 2 * i)) {
            last = layer(b, 2 * i);
            net->count = i + 1;
        }
    out = last && last->rank == 4 ? last->dim[0] : 0;
    while (factor < MAX_FACTOR && factor * factor * IMAGE_CHANNELS < out)
        factor++;
    net->features = first && first->rank == 4 ? first->dim[0] : 0;
    net->factor = factor;
    if (net->count < 2 || net->features == 0)
        binder_fail(b, LTD_EFORMAT, "%s: it has not two convolutions, body.0 and body.2", b->part);
    else if (factor * factor * IMAGE_CHANNELS != out)
        binder_fail(b, LTD_EUNSUPPORTED,
                    "%s: its last convolution gives %zu channels; known are 3, 12, 27, 48, ... for each "
                    "pixel of the picture",
                    b->part, out);
}

static const float *bind_slopes(struct binder *b, size_t i, size_t features)
{
    const size_t mark = binder_enter(b, "body.%zu", i);
    const float *slopes = binder_vector(b, "weight", features);

    binder_leave(b, mark);
    return slopes;
}

void compact_net_bind(struct compact_net *net, struct binder *b)
{
    tell_net(net, b);
    net->conv = binder_array(b, net->count, sizeof *net->conv);
    for (size_t i = 0; i < net->count && net->conv; i++) {
        const bool is_last = i + 1 == net->count;
        char name[32];

        snprintf(name, sizeof name, "body.%zu", 2 * i);
        conv_bind(&net->conv[i], b, name, i == 0 ? IMAGE_CHANNELS : net->features,
                  is_last ? IMAGE_CHANNELS * net->factor * net->factor : net->features, 3);
        if (!is_last)
            net->conv[i].slope = bind_slopes(b, 2 * i + 1, net->features);
    }
}

struct nearest_job {
    struct tensor y, x;
    size_t factor;
};

/* One row of y += the pixels of x under it. */
static void nearest_row(void *arg, size_t row, void *scratch)
{
    const struct nearest_job *j = arg;
    const float *x = j->x.data + row / j->factor * j->x.w * j->x.c;
    float *y = j->y.data + row * j->y.w * j->y.c;

    (void)scratch;
    for (size_t i = 0; i < j->y.w; i++)
        for (size_t c = 0; c < j->y.c; c++)
            *y++ += x[i / j->factor * j->x.c + c];
}

void compact_net_forward(const struct compact_net *net, struct exec *e, struct tensor y, struct tensor x)
{
    const size_t mark = exec_mark(e);
    struct tensor turn[2] = {exec_tensor(e, 1, x.h, x.w, net->features),
                             exec_tensor(e, 1, x.h, x.w, net->features)};
    struct tensor many = exec_tensor(e, 1, x.h, x.w, net->conv[net->count - 1].c_out);
    struct nearest_job nearest = {y, x, net->factor};

    conv_forward(&net->conv[0], e, turn[0], x);
    for (size_t i = 1; i + 1 < net->count; i++)
        conv_forward(&net->conv[i], e, turn[i % 2], turn[(i + 1) % 2]);
    conv_forward(&net->conv[net->count - 1], e, many, turn[net->count % 2]);
    pixel_shuffle(e, y, many);
    exec_tiles(e, LTD_OPERATOR_OTHER, y.h, 0, nearest_row, &nearest);
    exec_rewind(e, mark);
}
