/* test_attention.c - attention over heads against its definition, at every instruction-set level. */
#include "kernels/attention.h"

#include <math.h>
#include <stdlib.h>

#include "check.h"
#include "definitions.h"
#include "kernels/attention_isa.h"
#include "random_values.h"
#include "run_exec.h"

/* Scores of up to 8 in size are rounded to 5e-7 of 1, which the exponential passes on as a relative error;
 * the sums add less. */
#define BOUND 1e-6

/* By bf16, with queries, keys and values as it rounds them: the weights have 8 significant bits, and so are
 * off by up to 2^-8 of themselves. */
#define BOUND_BF16 0x1p-8

static const char *const isa_names[] = {
#define ISA_LEVEL(name, has) #name,
#include "kernels/isa_levels.def"
#undef ISA_LEVEL
};

struct attention_run {
    const struct attention_kernel *kernel;
    struct tensor out, q, k, v;
    size_t heads;
    bool causal;
};

static void run_attention(void *arg, struct exec *e)
{
    const struct attention_run *r = arg;

    attention_by(r->kernel, e, r->out, r->q, r->k, r->v, r->heads, 1 / sqrt((double)(r->q.c / r->heads)),
                 r->causal);
}

struct attention_case {
    const char *why;
    size_t n, tokens, keys, heads, d;
    bool causal;
};

static struct attention_run make_run(const struct attention_case *c, float size)
{
    const size_t channels = c->heads * c->d;
    struct attention_run r = {.out = zero_tensor(c->n, c->tokens, 1, channels),
                              .q = random_tensor(1, c->n, c->tokens, 1, channels),
                              .k = random_tensor(2, c->n, c->keys, 1, channels),
                              .v = random_tensor(3, c->n, c->keys, 1, channels),
                              .heads = c->heads,
                              .causal = c->causal};

    for (size_t i = 0; i < tensor_count(r.q); i++)
        r.q.data[i] *= size;
    return r;
}

static void free_run(struct attention_run *r)
{
    free(r->out.data);
    free(r->q.data);
    free(r->k.data);
    free(r->v.data);
}

/* Every step-th query alone, of one item. */
static struct tensor sample(struct tensor t, size_t step)
{
    struct tensor some = zero_tensor(1, (t.h + step - 1) / step, 1, t.c);

    for (size_t i = 0; i < some.h; i++)
        memcpy(some.data + i * t.c, t.data + i * step * t.c, t.c * sizeof *t.data);
    return some;
}

/* What is left of q, k and v, and of q once it is scaled. */
static void narrow_operands(struct attention_run *r, size_t d)
{
    const float scale = (float)(1 / sqrt((double)d)) * 1.44269504f;

    for (size_t i = 0; i < tensor_count(r->q); i++)
        r->q.data[i] = (float)(nearest_bf16((double)(r->q.data[i] * scale)) / (double)scale);
    for (size_t i = 0; i < tensor_count(r->k); i++) {
        r->k.data[i] = (float)nearest_bf16((double)r->k.data[i]);
        r->v.data[i] = (float)nearest_bf16((double)r->v.data[i]);
    }
}

/* Runs it at each level and compares every step-th query: of the large ones the definition takes too long. */
static void check_levels(const struct attention_case *c, float size, size_t step, bool bf16, double bound,
                         struct pool *pool)
{
    struct attention_run r = make_run(c, size);
    struct tensor q, want;

    if (bf16)
        narrow_operands(&r, c->d);
    q = step > 1 ? sample(r.q, step) : r.q;
    want = zero_tensor(c->n, q.h, 1, q.c);
    attention_by_definition(want, q, r.k, r.v, c->heads, 1 / sqrt((double)c->d), c->causal);
    for (size_t i = 0; i < COUNT(isa_names); i++) {
        struct tensor got;
        double error = 1;

        r.kernel = attention_kernel_find(isa_names[i]);
        if (!r.kernel)
            continue;
        memset(r.out.data, 0xff, tensor_count(r.out) * sizeof *r.out.data);
        CHECK(run_exec_by(pool, bf16, run_attention, &r));
        got = step > 1 ? sample(r.out, step) : r.out;
        error = check_relative_error(got.data, want.data, tensor_count(want));
        if (!(error <= bound))
            check_failed(__FILE__, __LINE__, "%s%s: %s, queries up to %g: %.2e", isa_names[i],
                         bf16 ? " by bf16" : "", c->why, (double)size, error);
        if (step > 1)
            free(got.data);
    }
    if (step > 1)
        free(q.data);
    free(want.data);
    free_run(&r);
}

TEST(attention_agrees_with_its_definition)
{
    static const struct attention_case cases[] = {
        {"one token", 1, 1, 1, 1, 1, false},
        {"one token, many keys", 2, 1, 77, 3, 7, false},
        {"one key", 1, 70, 1, 2, 6, false},
        {"CLIP's text", 1, 77, 77, 4, 16, true},
        {"one token, causal", 2, 1, 1, 2, 5, true},
        {"64 queries", 1, 64, 64, 2, 8, false},
        {"64 queries and one", 2, 65, 65, 2, 9, false},
        {"64 queries and one, causal", 2, 65, 65, 3, 9, true},
        {"24 queries, 96 keys", 1, 24, 96, 2, 40, false},
        {"25 queries, 97 keys", 1, 25, 97, 2, 41, false},
        {"25 queries, 193 keys", 1, 25, 193, 1, 42, false},
        {"several blocks", 2, 200, 200, 2, 40, false},
        {"several blocks, causal", 1, 200, 200, 1, 33, true},
        {"several tiles", 1, 2111, 131, 1, 3, false},
        {"several tiles, causal", 1, 611, 611, 2, 5, true},
        {"cross attention", 2, 200, 77, 5, 8, false},
        {"more keys than queries", 2, 12, 300, 8, 5, false},
        {"more keys than queries, causal", 1, 12, 70, 2, 5, true},
        {"more queries than keys, causal", 1, 170, 12, 2, 5, true},
        {"160 channels", 1, 70, 70, 1, 160, false},
        {"161 channels", 1, 70, 70, 1, 161, false},
        {"several passes over the channels", 1, 30, 99, 1, 515, false},
    };
    struct pool *pool;

    REQUIRE(pool_new(2, &pool, NULL) == LTD_OK);
    for (size_t i = 0; i < COUNT(cases); i++)
        for (int size = 1; size <= 9; size += 4) {
            check_levels(&cases[i], (float)size, 1, false, BOUND, pool);
            check_levels(&cases[i], (float)size, 1, true, BOUND_BF16, pool);
        }
    pool_free(pool);
}

/* Of the largest some heads or queries: sanitizers are slow. */
TEST(attention_agrees_at_the_sizes_of_512x512_pictures)
{
    static const struct attention_case cases[] = {
        {"SD 1.5, 64x64", 1, 4096, 4096, 2, 40, false},
        {"SD 1.5, 32x32", 1, 1024, 1024, 8, 80, false},
        {"SD 1.5, 16x16", 1, 256, 256, 8, 160, false},
        {"SD 1.5, 8x8", 1, 64, 64, 8, 160, false},
        {"SD 1.5, text, 64x64", 1, 4096, 77, 8, 40, false},
        {"SD 1.5, text, 32x32", 1, 1024, 77, 8, 80, false},
        {"SD 1.5, text, 16x16", 1, 256, 77, 8, 160, false},
        {"SD 2.1, 64x64", 1, 4096, 4096, 2, 64, false},
        {"SD 2.1, 32x32", 1, 1024, 1024, 10, 64, false},
        {"VAE", 1, 1024, 4096, 1, 512, false},
    };
    struct pool *pool;

    REQUIRE(pool_new(2, &pool, NULL) == LTD_OK);
    for (size_t i = 0; i < COUNT(cases); i++) {
        check_levels(&cases[i], 3, cases[i].tokens / 16 + 3, false, BOUND, pool);
        check_levels(&cases[i], 3, cases[i].tokens / 16 + 3, true, BOUND_BF16, pool);
    }
    pool_free(pool);
}

/* Two keys, one of which is x below the other: the result is e^x / (1 + e^x) of the first one's value. */
TEST(attention_weighs_by_the_exponential)
{
    enum { QUERIES = 60001 };
    const struct attention_case c = {"", 1, QUERIES, 2, 1, 1, false};

    for (size_t i = 0; i < COUNT(isa_names); i++) {
        struct attention_run r = make_run(&c, 1);
        struct pool *pool;

        r.kernel = attention_kernel_find(isa_names[i]);
        for (size_t k = 0; k < QUERIES; k++)
            r.q.data[k] = -(float)k / 1000;
        r.k.data[0] = r.v.data[0] = 1;
        r.k.data[1] = r.v.data[1] = 0;
        REQUIRE(pool_new(1, &pool, NULL) == LTD_OK);
        if (r.kernel && run_exec(pool, run_attention, &r))
            for (size_t k = 0; k < QUERIES; k++) {
                const double x = (double)r.q.data[k], want = exp(x) / (1 + exp(x));

                /* The power of 2 is rounded when it is scaled, and its factor as well. */
                if (!(fabs((double)r.out.data[k] - want) <= want * (8 - 2 * x) * 0x1p-24))
                    check_failed(__FILE__, __LINE__, "%s: e^%g is off by %.2e", isa_names[i], x,
                                 fabs((double)r.out.data[k] / want - 1));
            }
        pool_free(pool);
        free_run(&r);
    }
}

/* Weights of 0 and 1 all but: the largest score is taken away before the exponential. */
TEST(attention_bears_large_scores)
{
    static const struct attention_case c = {"large scores", 1, 100, 200, 2, 8, false};
    struct pool *pool;

    REQUIRE(pool_new(2, &pool, NULL) == LTD_OK);
    check_levels(&c, 1e3f, 1, false, 1e-4, pool);
    check_levels(&c, 1e10f, 1, false, 1e-2, pool);
    check_levels(&c, 1e3f, 1, true, 1e-2, pool);
    pool_free(pool);
}

/* Runs it on `threads` threads; true if out becomes what it was. */
static bool gives_the_same(struct attention_run *r, int threads, bool bf16)
{
    const size_t bytes = tensor_count(r->out) * sizeof *r->out.data;
    float *before = allocate(1, bytes);
    struct pool *pool = NULL;
    bool same = false;

    memcpy(before, r->out.data, bytes);
    memset(r->out.data, 0xff, bytes);
    if (pool_new(threads, &pool, NULL) == LTD_OK && run_exec_by(pool, bf16, run_attention, r))
        same = memcmp(before, r->out.data, bytes) == 0;
    pool_free(pool);
    free(before);
    return same;
}

TEST(attention_gives_the_same_bytes_on_any_number_of_threads_and_in_any_batch)
{
    static const struct attention_case cases[] = {{"self", 3, 600, 600, 3, 20, false},
                                                  {"causal", 3, 77, 77, 2, 20, true},
                                                  {"text", 3, 1111, 77, 1, 9, false}};
    static const int threads[] = {1, 2, 3, 4, 7};

    for (size_t i = 0; i < 2 * COUNT(cases) * COUNT(isa_names); i++) {
        const struct attention_case *c = &cases[i / 2 % COUNT(cases)];
        struct attention_run r = make_run(c, 3), alone = r;
        const bool bf16 = i % 2;

        r.kernel = alone.kernel = attention_kernel_find(isa_names[i / 2 / COUNT(cases)]);
        if (r.kernel)
            gives_the_same(&r, 1, bf16);
        for (size_t k = 0; r.kernel && k < COUNT(threads); k++)
            if (!gives_the_same(&r, threads[k], bf16))
                check_failed(__FILE__, __LINE__, "%s on %d threads", c->why, threads[k]);
        for (size_t n = 0; r.kernel && n < c->n; n++) {
            alone.q = tensor_item(r.q, n);
            alone.k = tensor_item(r.k, n);
            alone.v = tensor_item(r.v, n);
            alone.out = tensor_item(r.out, n);
            if (!gives_the_same(&alone, 2, bf16))
                check_failed(__FILE__, __LINE__, "%s, item %zu alone", c->why, n);
        }
        free_run(&r);
    }
}

TEST(attention_passes_on_what_is_not_a_number)
{
    static const struct attention_case c = {"", 1, 100, 150, 1, 8, false};

    for (size_t i = 0; i < COUNT(isa_names); i++)
        for (int where = 0; where < 6; where++) {
            struct attention_run r = make_run(&c, 1);
            struct pool *pool;

            r.kernel = attention_kernel_find(isa_names[i]);
            (where / 2 == 0 ? r.q : where / 2 == 1 ? r.k : r.v).data[99 * 8 + 3] = NAN;
            REQUIRE(pool_new(1, &pool, NULL) == LTD_OK);
            if (r.kernel && run_exec_by(pool, where % 2, run_attention, &r))
                CHECK(isnan(r.out.data[99 * 8 + 3]));
            pool_free(pool);
            free_run(&r);
        }
}

TEST(attention_stops_inside_a_tile_when_canceled)
{
    float q[8] = {0}, out[8] = {5};
    const atomic_bool canceled = true;
    struct attention_tile t = {.q = q, .k = q, .v = q, .out = out, .stride = 8, .rows = 1, .keys = 1, .d = 8};

    t.block = 1;
    t.cancel = &canceled;
    for (size_t i = 0; i < COUNT(isa_names); i++) {
        const struct attention_kernel *kernel = attention_kernel_find(isa_names[i]);
        void *scratch = kernel ? aligned_alloc(64, (kernel->scratch_bytes(1, 8, 1) + 63) / 64 * 64) : NULL;

        if (scratch)
            kernel->run(&t, scratch);
        CHECK(out[0] == 5);
        free(scratch);
    }
}
