#include "kernels/vector_ops.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define HAS(feature) __builtin_cpu_supports(feature)

#define ISA_LEVEL(name, has) extern const struct vector_ops vector_ops_##name;
#include "kernels/isa_levels.def"
#undef ISA_LEVEL

const struct vector_ops *vector_ops_find(const char *isa)
{
#define ISA_LEVEL(name, has)                      \
    if ((!isa || strcmp(isa, #name) == 0) && has) \
        return &vector_ops_##name;
#include "kernels/isa_levels.def"
#undef ISA_LEVEL
    return NULL;
}

static const struct vector_ops *choose(void)
{
    const char *asked = getenv("LATENTD_ISA");
    const struct vector_ops *ops = asked ? vector_ops_find(asked) : NULL;

    return ops ? ops : vector_ops_find(NULL);
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
