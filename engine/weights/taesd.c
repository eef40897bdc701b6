#include "weights/taesd.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_LAYERS 1000

bool taesd_is_encoder(const struct weight_set *file)
{
    return weight_set_find(file, "0.weight") && weight_set_find(file, "1.conv.0.weight");
}

bool taesd_is_decoder(const struct weight_set *file)
{
    return !weight_set_find(file, "0.weight") && weight_set_find(file, "1.weight") &&
           weight_set_find(file, "3.conv.0.weight");
}

/* The tensor's name with its layer counted from `first` on. */
static bool name_layer(const char *half, unsigned long first, const char *name, struct weight_alias *out)
{
    char *rest = NULL;
    const unsigned long layer = isdigit((unsigned char)name[0]) ? strtoul(name, &rest, 10) : 0;

    if (!rest || *rest != '.' || layer < first || layer >= MAX_LAYERS)
        return snprintf(out->name, sizeof out->name, "%s", name) < (int)sizeof out->name;
    return snprintf(out->name, sizeof out->name, "%s.layers.%lu%s", half, layer - first, rest) <
           (int)sizeof out->name;
}

bool taesd_encoder_name(const void *arg, const char *name, size_t i, struct weight_alias *out)
{
    (void)arg;
    return i == 0 && name_layer("encoder", 0, name, out);
}

bool taesd_decoder_name(const void *arg, const char *name, size_t i, struct weight_alias *out)
{
    (void)arg;
    return i == 0 && name_layer("decoder", 1, name, out);
}
