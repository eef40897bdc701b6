#include "nn/time_embedding.h"

#include <math.h>
#include <string.h>

#include "kernels/elementwise.h"

void time_embedding_bind(struct time_embedding *t, struct binder *b,
                         const struct time_embedding_config *config)
{
    t->config = *config;
    linear_bind(&t->linear_1, b, "time_embedding.linear_1", config->channels, config->embedding, WITH_BIAS);
    linear_bind(&t->linear_2, b, "time_embedding.linear_2", config->embedding, config->embedding, WITH_BIAS);
}

struct sinusoid_job {
    const struct time_embedding_config *config;
    struct tensor y;
    const double *timesteps;
};

/* Frequencies 10000^(-i / (half - shift)); f32 where the reference rounds to f32. */
static void sinusoid_tile(void *arg, size_t n, void *scratch)
{
    const struct sinusoid_job *j = arg;
    const size_t half = j->config->channels / 2;
    float *row = j->y.data + n * j->y.c;
    float *sine = j->config->flip_sin_to_cos ? row + half : row,
          *cosine = j->config->flip_sin_to_cos ? row : row + half;

    (void)scratch;
    memset(row, 0, j->y.c * sizeof *row);
    for (size_t i = 0; i < half; i++) {
        const float exponent =
            (float)(-log(10000.0)) * (float)i / (float)((double)half - j->config->frequency_shift);
        const float angle = (float)j->timesteps[n] * expf(exponent);

        sine[i] = sinf(angle);
        cosine[i] = cosf(angle);
    }
}

void time_embedding_forward(const struct time_embedding *t, struct exec *e, struct tensor y,
                            const double *timesteps)
{
    const size_t mark = exec_mark(e);
    struct tensor s = exec_tensor(e, y.n, 1, 1, t->config.channels);
    struct tensor h = exec_like(e, y);
    struct sinusoid_job j = {&t->config, s, timesteps};

    exec_tiles(e, LTD_OPERATOR_OTHER, y.n, 0, sinusoid_tile, &j);
    linear_forward(&t->linear_1, e, h, s);
    activate(e, h, h, ACTIVATION_SILU);
    linear_forward(&t->linear_2, e, y, h);
    activate(e, y, y, ACTIVATION_SILU);
    exec_rewind(e, mark);
}
