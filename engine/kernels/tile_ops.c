#include "kernels/tile_ops.h"

#include <string.h>

#include "kernels/vector_ops.h"

extern const struct tile_ops tile_ops_generic;
#if defined(__x86_64__)
extern const struct tile_ops tile_ops_avx2, tile_ops_avx512;
#endif

const struct tile_ops *tile_ops(void)
{
#if defined(__x86_64__)
    const char *isa = vector_ops()->isa;

    if (strcmp(isa, tile_ops_avx512.isa) == 0)
        return &tile_ops_avx512;
    if (strcmp(isa, tile_ops_avx2.isa) == 0)
        return &tile_ops_avx2;
#endif
    return &tile_ops_generic;
}
