#include "kernels/attention.h"

#include <math.h>

#include "kernels/gemm.h"
#include "kernels/vector_ops.h"

/* Query rows of a tile: their scores against 4096 keys are 1 MiB, which stays in the L2 cache. */
#define QUERY_ROWS 64

struct attention_job {
    struct tensor out, q, k, v;
    size_t heads, blocks; /* blocks of query rows an item and head */
    float scale;
    bool causal;
};

static void mask_future(float *scores, size_t first, size_t rows, size_t keys)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = first + i + 1; j < keys; j++)
            scores[i * keys + j] = -INFINITY;
}

static void attention_tile(void *arg, size_t tile, void *scratch)
{
    const struct attention_job *j = arg;
    const size_t tokens = tensor_rows(j->q) / j->q.n, keys = tensor_rows(j->k) / j->k.n;
    const size_t c = j->q.c, d = c / j->heads;
    const size_t first = tile % j->blocks * QUERY_ROWS, rest = tokens - first;
    const size_t rows = rest < QUERY_ROWS ? rest : QUERY_ROWS;
    const size_t head = tile / j->blocks % j->heads, item = tile / j->blocks / j->heads;
    const size_t query_at = (item * tokens + first) * c + head * d, key_at = item * keys * c + head * d;
    float *scores = scratch;

    gemm_nt(rows, keys, d, 1.0f, j->q.data + query_at, c, j->k.data + key_at, c, 0.0f, scores, keys);
    if (j->causal)
        mask_future(scores, first, rows, keys);
    for (size_t i = 0; i < rows; i++)
        vector_ops()->softmax(scores + i * keys, j->scale, keys);
    gemm_nn(rows, d, keys, 1.0f, scores, keys, j->v.data + key_at, c, 0.0f, j->out.data + query_at, c);
}

void attention(struct exec *e, struct tensor out, struct tensor q, struct tensor k, struct tensor v,
               size_t heads, double scale, bool causal)
{
    const size_t tokens = tensor_rows(q) / q.n, keys = tensor_rows(k) / k.n;
    struct attention_job j = {
        .out = out, .q = q, .k = k, .v = v, .heads = heads, .scale = (float)scale, .causal = causal};

    j.blocks = (tokens + QUERY_ROWS - 1) / QUERY_ROWS;
    exec_count_product(e, tensor_rows(q), keys, q.c);
    exec_count_product(e, tensor_rows(q), v.c, keys);
    exec_tiles(e, LTD_OPERATOR_ATTENTION, q.n * heads * j.blocks, QUERY_ROWS * keys * sizeof(float),
               attention_tile, &j);
}
