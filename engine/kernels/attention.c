#include "kernels/attention.h"

#include <string.h>

#include "kernels/attention_isa.h"
#include "kernels/vector_ops.h"

/* Queries of a tile, each of which every key and value that is fetched serves; less where heads are large, so
 * that queries and results stay in the L2 cache. */
#define QUERY_ROWS   1024
#define QUERY_VALUES 65536
/* Keys at a time. */
#define KEY_ROWS 96
/* As many tiles at least, where there are panels enough: some threads share them evenly. */
#define TILES 32

#define ISA_LEVEL(name, has) extern const struct attention_kernel attention_kernel_##name;
#include "kernels/isa_levels.def"
#undef ISA_LEVEL

const struct attention_kernel *attention_kernel_find(const char *isa)
{
    if (!vector_ops_find(isa))
        return NULL;
#define ISA_LEVEL(name, has)     \
    if (strcmp(isa, #name) == 0) \
        return &attention_kernel_##name;
#include "kernels/isa_levels.def"
#undef ISA_LEVEL
    return NULL;
}

struct attention_job {
    const struct attention_kernel *kernel;
    const struct exec *exec;
    struct tensor out, q, k, v;
    size_t heads, d, tokens, keys;
    size_t rows, blocks; /* queries of a tile, and tiles of a head */
    size_t block;        /* keys at a time */
    float scale;
    bool causal;
};

static size_t divide_up(size_t n, size_t by)
{
    return (n + by - 1) / by;
}

/* Whole panels, shared out evenly. */
static void plan_tiles(struct attention_job *j)
{
    const size_t panels = divide_up(j->tokens, j->kernel->panel);
    const size_t fitting = QUERY_VALUES / j->d, rows = fitting < QUERY_ROWS ? fitting : QUERY_ROWS;
    size_t per_tile = rows > j->kernel->panel ? rows / j->kernel->panel : 1;

    while (per_tile > 1 && divide_up(panels, per_tile) * j->heads * j->q.n < TILES)
        per_tile /= 2;
    per_tile = divide_up(panels, divide_up(panels, per_tile));
    j->rows = per_tile * j->kernel->panel;
    j->blocks = divide_up(panels, per_tile);
    j->block = divide_up(j->keys, divide_up(j->keys, KEY_ROWS));
}

static void attention_tile(void *arg, size_t tile, void *scratch)
{
    const struct attention_job *j = arg;
    const size_t first = tile % j->blocks * j->rows, rest = j->tokens - first, c = j->q.c;
    const size_t head = tile / j->blocks % j->heads, item = tile / j->blocks / j->heads;
    const size_t query = (item * j->tokens + first) * c + head * j->d;
    const size_t key = item * j->keys * c + head * j->d;
    const struct attention_tile t = {.q = j->q.data + query,
                                     .k = j->k.data + key,
                                     .v = j->v.data + key,
                                     .out = j->out.data + query,
                                     .stride = c,
                                     .rows = rest < j->rows ? rest : j->rows,
                                     .keys = j->keys,
                                     .d = j->d,
                                     .block = j->block,
                                     .first = first,
                                     .causal = j->causal,
                                     .bf16 = j->exec->bf16,
                                     .scale = j->scale,
                                     .cancel = j->exec->cancel};

    j->kernel->run(&t, scratch);
}

void attention_by(const struct attention_kernel *kernel, struct exec *e, struct tensor out, struct tensor q,
                  struct tensor k, struct tensor v, size_t heads, double scale, bool causal)
{
    struct attention_job j = {.kernel = kernel,
                              .exec = e,
                              .out = out,
                              .q = q,
                              .k = k,
                              .v = v,
                              .heads = heads,
                              .d = q.c / heads,
                              .tokens = tensor_rows(q) / q.n,
                              .keys = tensor_rows(k) / k.n,
                              .scale = (float)scale,
                              .causal = causal};

    plan_tiles(&j);
    exec_count_product(e, tensor_rows(q), j.keys, q.c);
    exec_count_product(e, tensor_rows(q), v.c, j.keys);
    exec_tiles(e, LTD_OPERATOR_ATTENTION, q.n * heads * j.blocks, kernel->scratch_bytes(j.rows, j.d, j.block),
               attention_tile, &j);
}

void attention(struct exec *e, struct tensor out, struct tensor q, struct tensor k, struct tensor v,
               size_t heads, double scale, bool causal)
{
    attention_by(attention_kernel_find(vector_ops()->isa), e, out, q, k, v, heads, scale, causal);
}
