/* test_attention.c - attention over heads against its definition. */
#include "kernels/attention.h"

#include <math.h>
#include <stdlib.h>

#include "check.h"
#include "definitions.h"
#include "kernels/gemm.h"
#include "random_values.h"
#include "run_exec.h"

/* Scores of up to 8 in size are rounded to 5e-7 of 1, which the exponential passes on as a relative error;
 * the sums add less. */
#define BOUND 1e-6

struct attention_run {
    struct tensor out, q, k, v;
    size_t heads;
    double scale;
    bool causal;
};

static void run_attention(void *arg, struct exec *e)
{
    const struct attention_run *r = arg;

    attention(e, r->out, r->q, r->k, r->v, r->heads, r->scale, r->causal);
}

struct attention_case {
    const char *why;
    size_t n, tokens, keys, heads, d;
    bool causal;
};

static double attention_error(const struct attention_case *c, float size, struct pool *pool)
{
    const size_t channels = c->heads * c->d;
    struct tensor q = random_tensor(1, c->n, c->tokens, 1, channels);
    struct tensor k = random_tensor(2, c->n, c->keys, 1, channels);
    struct tensor v = random_tensor(3, c->n, c->keys, 1, channels);
    struct tensor out = zero_tensor(c->n, c->tokens, 1, channels);
    struct tensor want = zero_tensor(c->n, c->tokens, 1, channels);
    struct attention_run r = {out, q, k, v, c->heads, 1 / sqrt((double)c->d), c->causal};
    double error = 1;

    for (size_t i = 0; i < tensor_count(q); i++)
        q.data[i] *= size;
    attention_by_definition(want, q, k, v, c->heads, r.scale, c->causal);
    memset(out.data, 0xff, tensor_count(out) * sizeof *out.data);
    if (run_exec(pool, run_attention, &r))
        error = check_relative_error(out.data, want.data, tensor_count(out));
    free(q.data);
    free(k.data);
    free(v.data);
    free(out.data);
    free(want.data);
    return error;
}

TEST(attention_agrees_with_its_definition)
{
    static const struct attention_case cases[] = {
        {"one token", 1, 1, 1, 1, 1, false},
        {"one token, many keys", 2, 1, 77, 3, 7, false},
        {"CLIP's text", 1, 77, 77, 4, 16, true},
        {"one token, causal", 2, 1, 1, 2, 5, true},
        {"a block of queries", 1, 64, 64, 2, 8, false},
        {"a block and one", 2, 65, 65, 2, 9, false},
        {"a block and one, causal", 2, 65, 65, 3, 9, true},
        {"four blocks", 2, 200, 200, 2, 40, false},
        {"four blocks, causal", 1, 200, 200, 1, 33, true},
        {"cross attention", 2, 200, 77, 5, 8, false},
        {"more keys than queries", 2, 12, 300, 8, 5, false},
        {"more keys than queries, causal", 1, 12, 70, 2, 5, true},
    };
    struct pool *pool;

    gemm_init();
    REQUIRE(pool_new(2, &pool, NULL) == LTD_OK);
    for (size_t i = 0; i < COUNT(cases); i++)
        for (int size = 1; size <= 9; size += 4) {
            const double error = attention_error(&cases[i], (float)size, pool);

            if (!(error <= BOUND))
                check_failed(__FILE__, __LINE__, "%s, queries up to %d: %.2e", cases[i].why, size, error);
        }
    pool_free(pool);
}
