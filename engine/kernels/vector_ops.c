#include "kernels/vector_ops.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

extern const struct vector_ops vector_ops_generic;
#if defined(__x86_64__)
extern const struct vector_ops vector_ops_avx2, vector_ops_avx512;
#endif

const struct vector_ops *vector_ops_find(const char *isa)
{
#if defined(__x86_64__)
    if (strcmp(isa, "avx512") == 0 && __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq"))
        return &vector_ops_avx512;
    if (strcmp(isa, "avx2") == 0 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return &vector_ops_avx2;
#endif
    return strcmp(isa, "generic") == 0 ? &vector_ops_generic : NULL;
}

static const struct vector_ops *choose(void)
{
    static const char *const best_first[] = {"avx512", "avx2", "generic"};
    const char *asked = getenv("LATENTD_ISA");
    const struct vector_ops *ops = asked ? vector_ops_find(asked) : NULL;

    for (size_t i = 0; !ops && i < sizeof best_first / sizeof best_first[0]; i++)
        ops = vector_ops_find(best_first[i]);
    return ops;
}

const struct vector_ops *vector_ops(void)
{
    /* Every thread would choose the same, so a race to be first is harmless. */
    static _Atomic(const struct vector_ops *) chosen;
    const struct vector_ops *ops = atomic_load_explicit(&chosen, memory_order_relaxed);

    if (!ops) {
        ops = choose();
        atomic_store_explicit(&chosen, ops, memory_order_relaxed);
    }
    return ops;
}

void vector_ops_write_sums(const struct vector_ops *v, float *y, const float *sums, const float *bias,
                           const float *addend, size_t n)
{
    if (addend && bias) {
        v->scaled_add(y, addend, bias, 1.0f, n);
        v->add_to(y, sums, n);
    } else if (addend || bias) {
        v->scaled_add(y, addend ? addend : bias, sums, 1.0f, n);
    } else {
        memcpy(y, sums, n * sizeof *y);
    }
}
