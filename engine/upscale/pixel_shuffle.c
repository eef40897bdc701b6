#include "upscale/pixel_shuffle.h"

struct shuffle_job {
    float *many;    /* [n, h, w, c r^2] */
    float *large;   /* [n, r h, r w, c] */
    size_t w, c, r; /* of many; c of large */
    bool apart;     /* from many to large */
};

/* One row of the tensor of many channels. */
static void shuffle_row(void *arg, size_t row, void *scratch)
{
    const struct shuffle_job *j = arg;

    (void)scratch;
    for (size_t x = 0; x < j->w; x++)
        for (size_t at = 0; at < j->c * j->r * j->r; at++) {
            const size_t c = at / (j->r * j->r), down = at / j->r % j->r, right = at % j->r;
            float *many = j->many + (row * j->w + x) * j->c * j->r * j->r + at;
            float *large = j->large + ((row * j->r + down) * j->w * j->r + x * j->r + right) * j->c + c;

            if (j->apart)
                *large = *many;
            else
                *many = *large;
        }
}

static void run(struct exec *e, struct tensor many, struct tensor large, bool apart)
{
    struct shuffle_job j = {many.data, large.data, many.w, large.c, large.w / many.w, apart};

    exec_tiles(e, LTD_OPERATOR_OTHER, many.n * many.h, 0, shuffle_row, &j);
}

void pixel_shuffle(struct exec *e, struct tensor y, struct tensor x)
{
    run(e, x, y, true);
}

void pixel_unshuffle(struct exec *e, struct tensor y, struct tensor x)
{
    run(e, y, x, false);
}
