#include "kernels/tile_ops.h"

#include <string.h>

#include "kernels/vector_ops.h"

#define ISA_LEVEL(name, has) extern const struct tile_ops tile_ops_##name;
#include "kernels/isa_levels.def"
#undef ISA_LEVEL

const struct tile_ops *tile_ops(void)
{
    const char *isa = vector_ops()->isa;

#define ISA_LEVEL(name, has)     \
    if (strcmp(isa, #name) == 0) \
        return &tile_ops_##name;
#include "kernels/isa_levels.def"
#undef ISA_LEVEL
    return NULL;
}
