#include "nn/weight_overlay.h"

#include <stdlib.h>

#include "nn/weight_values.h"

static struct overlaid *find(const struct weight_overlay *overlay, const struct weight *weight)
{
    for (size_t i = 0; i < overlay->count; i++)
        if (overlay->items[i].weight.name == weight->name)
            return &overlay->items[i];
    return NULL;
}

float *weight_overlay_values(struct weight_overlay *overlay, const struct weight *weight)
{
    const struct overlaid *there = find(overlay, weight);
    float *values;

    if (there)
        return there->values;
    if (overlay->count == overlay->room) {
        const size_t room = 2 * overlay->room + 64;
        struct overlaid *grown = realloc(overlay->items, room * sizeof *grown);

        if (!grown)
            return NULL;
        overlay->items = grown;
        overlay->room = room;
    }
    values = heap_list_alloc(&overlay->memory, weight->count, sizeof *values);
    if (!values)
        return NULL;
    weight_to_f32(weight, values);
    overlay->items[overlay->count] = (struct overlaid){*weight, values};
    overlay->items[overlay->count].weight.data = values;
    overlay->items[overlay->count++].weight.dtype = DTYPE_F32;
    return values;
}

const struct weight *weight_overlay_find(const struct weight_overlay *overlay, const struct weight *weight)
{
    const struct overlaid *there = find(overlay, weight);

    return there ? &there->weight : NULL;
}

void weight_overlay_fini(struct weight_overlay *overlay)
{
    heap_list_fini(&overlay->memory);
    free(overlay->items);
    *overlay = (struct weight_overlay){0};
}
