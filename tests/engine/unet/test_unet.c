/* test_unet.c - what is made once, for all steps or for all rows, is what each would make for itself. */
#include "unet/unet.h"

#include <stdlib.h>

#include "check.h"
#include "random_values.h"
#include "run_exec.h"

#define FIXTURES "tests/parity/fixtures/"

/* Attention in all places, in the middle alone, nowhere, behind several layers, ... */
static const char *const models[] = {
    "models/default/unet",
    FIXTURES "sd15/model/unet",
    FIXTURES "middle-only/model/unet",
    FIXTURES "no-attention/model/unet",
    FIXTURES "no-middle/model/unet",
    FIXTURES "odd/model/unet",
    FIXTURES "deep/model/unet",
    FIXTURES "fields-a/model/unet",
    FIXTURES "fields-b/model/unet",
};

enum { HEIGHT = 16, WIDTH = 20, TOKENS = 5, TEXTS = 3, TIMES = 3 };
static const double timesteps[TIMES] = {950, 340.25, 1};

struct run {
    const struct unet *unet;
    struct tensor x, y, context;
    size_t text, time; /* first row of the context, and the timestep, that count */
    bool alone;        /* the tables hold nothing else */
    bool shallow;      /* after a whole pass, which is the same but for its x if there is another */
    struct tensor other_x;
};

static void forward(void *arg, struct exec *e)
{
    const struct run *r = arg;
    const size_t mark = exec_mark(e);
    const size_t times = r->alone ? 1 : TIMES, texts = r->alone ? r->y.n : TEXTS;
    struct unet_input input = {.times = exec_tensor(e, times, 1, 1, unet_time_channels(r->unet)),
                               .texts = exec_tensor(e, texts, TOKENS, 1, unet_text_channels(r->unet))};

    unet_time_forward(r->unet, e, input.times, r->alone ? &timesteps[r->time] : timesteps);
    unet_text_forward(r->unet, e, input.texts,
                      r->alone ? tensor_items(r->context, r->text, r->y.n) : r->context);
    if (!r->alone) {
        input.time = r->time;
        input.text = r->text;
    }
    if (r->shallow) {
        input.deep = exec_tensor(e, r->y.n, HEIGHT, WIDTH, unet_deep_channels(r->unet));
        unet_forward(r->unet, e, r->y, r->other_x.data ? r->other_x : r->x, &input);
        input.shallow = true;
    }
    unet_forward(r->unet, e, r->y, r->x, &input);
    exec_rewind(e, mark);
}

/* Runs a and b, whose outputs must be equal to the last bit, in both numerics. */
static void check_equal(struct pool *pool, struct run *a, struct run *b, const char *what)
{
    for (int strict = 0; strict < 2; strict++) {
        CHECK(run_exec_in(pool, strict, forward, a) && run_exec_in(pool, strict, forward, b));
        if (memcmp(a->y.data, b->y.data, tensor_count(a->y) * sizeof(float)) != 0)
            check_failed(__FILE__, __LINE__, "%s%s", what, strict ? ", strict" : "");
    }
}

static void each_model(void (*check)(struct pool *pool, const struct unet *unet, const char *what))
{
    struct pool *pool;

    REQUIRE(pool_new(1, &pool, NULL) == LTD_OK);
    for (size_t i = 0; i < COUNT(models); i++) {
        struct unet *unet = NULL;
        struct ltd_error err = {.message = ""};

        if (unet_open(models[i], NULL, &unet, &err) != LTD_OK)
            check_failed(__FILE__, __LINE__, "%s", err.message);
        else
            check(pool, unet, models[i]);
        unet_close(unet);
    }
    pool_free(pool);
}

/* Of `rows` items. */
static struct run new_run(const struct unet *unet, size_t rows)
{
    const struct unet_config *c = unet_config(unet);

    return (struct run){.unet = unet,
                        .x = random_tensor(1, rows, HEIGHT, WIDTH, c->in_channels),
                        .y = zero_tensor(rows, HEIGHT, WIDTH, c->out_channels),
                        .context = random_tensor(2, TEXTS, TOKENS, 1, c->context_channels)};
}

static void check_tables(struct pool *pool, const struct unet *unet, const char *what)
{
    struct run together = new_run(unet, 2), alone = together;

    alone.alone = true;
    alone.y = zero_tensor(2, HEIGHT, WIDTH, together.y.c);
    for (size_t time = 0; time < TIMES; time++) {
        together.time = alone.time = time;
        together.text = alone.text = time % 2;
        check_equal(pool, &together, &alone, what);
    }
    free(together.x.data);
    free(together.y.data);
    free(together.context.data);
    free(alone.y.data);
}

TEST(a_row_of_a_table_is_what_a_table_of_one_row_has)
{
    each_model(check_tables);
}

/* A latent given once, and as many times as there are texts. */
static void check_shared(struct pool *pool, const struct unet *unet, const char *what)
{
    struct run apart = new_run(unet, TEXTS), shared = apart;
    const size_t item = tensor_count(tensor_item(apart.x, 0));

    for (size_t i = 1; i < TEXTS; i++)
        memcpy(apart.x.data + i * item, apart.x.data, item * sizeof(float));
    shared.x = tensor_item(apart.x, 0);
    shared.y = zero_tensor(TEXTS, HEIGHT, WIDTH, apart.y.c);
    check_equal(pool, &shared, &apart, what);
    free(apart.x.data);
    free(apart.y.data);
    free(apart.context.data);
    free(shared.y.data);
}

TEST(rows_that_begin_alike_share_what_comes_before_the_text)
{
    each_model(check_shared);
}

/* Deep layers of the same latent are no approximation; those of another one are. */
static void check_shallow(struct pool *pool, const struct unet *unet, const char *what)
{
    struct run whole = new_run(unet, 1), shallow;
    const size_t count = TEXTS * HEIGHT * WIDTH * whole.y.c;

    free(whole.y.data);
    whole.y = zero_tensor(TEXTS, HEIGHT, WIDTH, whole.y.c);
    shallow = whole;
    shallow.y = zero_tensor(TEXTS, HEIGHT, WIDTH, whole.y.c);
    shallow.shallow = true;
    check_equal(pool, &shallow, &whole, what);
    shallow.other_x = random_tensor(3, 1, HEIGHT, WIDTH, whole.x.c);
    CHECK(run_exec(pool, forward, &shallow));
    if (memcmp(shallow.y.data, whole.y.data, count * sizeof(float)) == 0)
        check_failed(__FILE__, __LINE__, "%s: the deep layers have no part", what);
    free(shallow.other_x.data);
    free(shallow.y.data);
    free(whole.x.data);
    free(whole.y.data);
    free(whole.context.data);
}

TEST(a_shallow_pass_takes_the_deep_layers_as_they_were)
{
    each_model(check_shallow);
}
