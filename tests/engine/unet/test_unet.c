/* test_unet.c - what is made once, for all steps or for all rows, is what each would make for itself. */
#include "unet/unet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    FIXTURES "sdxl/model/unet",
    FIXTURES "refiner/model/unet",
    FIXTURES "lcm/model/unet",
    FIXTURES "inpaint/model/unet",
    FIXTURES "nested/model/unet",
};

enum { HEIGHT = 16, WIDTH = 20, TOKENS = 5, TEXTS = 3, TIMES = 3 };
/* And what the items behind the first one have, where each has its own. */
static const double timesteps[TIMES + TEXTS] = {950, 340.25, 1, 20, 700, 5};

struct run {
    const struct unet *unet;
    struct tensor x, y, context;
    struct tensor added; /* [TIMES + TEXTS, 1, 1, c]; a pass's begin with the row that its time has */
    size_t text, time;   /* first row of the context, and the timestep, that count */
    bool alone;          /* the tables hold nothing else */
    bool shallow;        /* after a whole pass, which is the same but for its x if there is another */
    struct tensor other_x;
};

static void forward(void *arg, struct exec *e)
{
    const struct run *r = arg;
    const size_t mark = exec_mark(e);
    const bool each = unet_config(r->unet)->added_channels > 0;
    const size_t texts = r->alone ? r->y.n : TEXTS, more = each ? r->y.n - 1 : 0;
    const size_t times = (r->alone ? 1 : TIMES) + more, first = r->alone ? r->time : 0;
    struct unet_input input = {.times = exec_tensor(e, times, 1, 1, unet_time_channels(r->unet)),
                               .texts = exec_tensor(e, texts, TOKENS, 1, unet_text_channels(r->unet))};
    const struct unet_times from = {timesteps + first, tensor_items(r->added, first, times), 3};

    unet_time_forward(r->unet, e, input.times, &from);
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

        if (unet_open(models[i], BIND_RUN, NULL, &unet, &err) != LTD_OK)
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
                        .context = random_tensor(2, TEXTS, TOKENS, 1, c->context_channels),
                        .added = random_tensor(4, TIMES + TEXTS, 1, 1, c->time_channels)};
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
    free(together.added.data);
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
    free(apart.added.data);
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
    free(whole.added.data);
}

TEST(a_shallow_pass_takes_the_deep_layers_as_they_were)
{
    each_model(check_shallow);
}

/* The keys after the levels: two of them, the first without attention. */
static void check_depths(int line, const char *keys, const char *words)
{
    static const char levels[] = "{\"block_out_channels\": [8, 8], \"layers_per_block\": [1, 2], "
                                 "\"down_block_types\": [\"DownBlock2D\", \"CrossAttnDownBlock2D\"], "
                                 "\"up_block_types\": [\"CrossAttnUpBlock2D\", \"UpBlock2D\"]";
    struct unet_config config;
    struct ltd_error err = {.message = "it is taken"};
    struct ltd_json *json = NULL;
    char text[1024];

    snprintf(text, sizeof text, "%s%s}", levels, keys);
    REQUIRE(ltd_json_parse(text, strlen(text), &ltd_json_file_limits, &json, NULL) == LTD_OK);
    if (unet_config_parse(json, "config.json", UNET_CLASS, &config, &err) == LTD_OK ||
        !strstr(err.message, words))
        check_failed(__FILE__, line, "'%s' has no '%s'", err.message, words);
    ltd_json_free(json);
}

TEST(depths_of_transformers_that_do_not_fit_the_layers_are_refused)
{
    static const struct {
        const char *keys, *words;
    } rows[] = {
        {", \"transformer_layers_per_block\": [1, [1, 2]]", "need a reverse_transformer_layers_per_block"},
        {", \"transformer_layers_per_block\": [1, [1]], \"reverse_transformer_layers_per_block\": [1, 1]",
         "transformer_layers_per_block has a level with 1 entries for 2 layers"},
        {", \"reverse_transformer_layers_per_block\": [[1, 2], 1]",
         "reverse_transformer_layers_per_block has a level with 2 entries for 3 layers"},
        {", \"reverse_transformer_layers_per_block\": [1]", "has 1 entries, but block_out_channels has 2"},
        {", \"transformer_layers_per_block\": [1, 1, 1]", "has 3 entries, but block_out_channels has 2"},
        {", \"transformer_layers_per_block\": [0, 0]", "must be an integer of 1 to 64"},
        {", \"transformer_layers_per_block\": [1, [1, [2]]], \"reverse_transformer_layers_per_block\": [1, 1]",
         "must be an integer of 1 to 64"},
        {", \"transformer_layers_per_block\": {}", "must be an integer of 0 to 64"},
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        check_depths(__LINE__, rows[i].keys, rows[i].words);
}
