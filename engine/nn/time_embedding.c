#include "nn/time_embedding.h"

#include <math.h>
#include <string.h>

#include "kernels/elementwise.h"

struct sinusoid_job {
    const struct sinusoid_config *config;
    struct tensor y;
    const double *values;
};

/* Frequencies 10000^(-i / (half - shift)); f32 where the reference rounds to f32. */
static void sinusoid_tile(void *arg, size_t n, void *scratch)
{
    const struct sinusoid_job *j = arg;
    const size_t half = j->y.c / 2;
    float *row = j->y.data + n * j->y.c;
    float *sine = j->config->flip_sin_to_cos ? row + half : row,
          *cosine = j->config->flip_sin_to_cos ? row : row + half;

    (void)scratch;
    memset(row, 0, j->y.c * sizeof *row);
    for (size_t i = 0; i < half; i++) {
        const float exponent =
            (float)(-log(10000.0)) * (float)i / (float)((double)half - j->config->frequency_shift);
        const float angle = (float)j->values[n] * expf(exponent);

        sine[i] = sinf(angle);
        cosine[i] = cosf(angle);
    }
}

void sinusoids(const struct sinusoid_config *config, struct exec *e, struct tensor y, const double *values)
{
    struct sinusoid_job j = {config, y, values};

    exec_tiles(e, LTD_OPERATOR_OTHER, y.n, 0, sinusoid_tile, &j);
}

void embedding_layers_bind(struct embedding_layers *l, struct binder *b, const char *name, size_t c_in,
                           size_t c_out)
{
    const size_t mark = binder_enter(b, "%s", name);

    linear_bind(&l->linear_1, b, "linear_1", c_in, c_out, WITH_BIAS);
    linear_bind(&l->linear_2, b, "linear_2", c_out, c_out, WITH_BIAS);
    binder_leave(b, mark);
}

void embedding_layers_forward(const struct embedding_layers *l, struct exec *e, struct tensor y,
                              struct tensor x)
{
    const size_t mark = exec_mark(e);
    struct tensor h = exec_like(e, y);

    linear_forward(&l->linear_1, e, h, x);
    activate(e, h, h, ACTIVATION_SILU);
    linear_forward(&l->linear_2, e, y, h);
    exec_rewind(e, mark);
}
