#include "upscale/rrdb_names.h"

#include <stdio.h>
#include <string.h>

/* What names begin with, and what basicsr has in its place. */
static const char *const starts[][2] = {
    {"trunk_conv.", "conv_body."}, {"upconv1.", "conv_up1."}, {"upconv2.", "conv_up2."},
    {"upconv3.", "conv_up3."},     {"HRconv.", "conv_hr."},
};

/* The number of a convolution in the list of layers, and what follows it; false: the name is no such one. */
static bool place_of(const char *name, unsigned *place, const char **tail)
{
    int length = 0;

    if (sscanf(name, "model.%4u.%n", place, &length) != 1 || length == 0)
        return false;
    *tail = name + length;
    return strcmp(*tail, "weight") == 0 || strcmp(*tail, "bias") == 0;
}

/* "RRDB_trunk.3.RDB1.conv2.bias", "model.1.sub.3.RDB1.conv2.0.bias": block 3, dense block 1, convolution 2 */
static bool block_name(const char *name, struct weight_alias *out)
{
    unsigned block, dense, conv;
    int length = 0;

    if (sscanf(name, "RRDB_trunk.%4u.RDB%1u.conv%1u.%n", &block, &dense, &conv, &length) != 3 || length == 0)
        if (sscanf(name, "model.1.sub.%4u.RDB%1u.conv%1u.0.%n", &block, &dense, &conv, &length) != 3 ||
            length == 0)
            return false;
    return snprintf(out->name, sizeof out->name, "body.%u.rdb%u.conv%u.%s", block, dense, conv,
                    name + length) < (int)sizeof out->name;
}

/* How many blocks stand before the trunk's last convolution, model.1.sub.N. */
static size_t count_blocks(const struct weight_set *file)
{
    for (size_t i = 0; i < weight_set_count(file); i++) {
        unsigned block;
        int length = 0;

        if (sscanf(weight_set_at(file, i)->name, "model.1.sub.%4u.weight%n", &block, &length) == 1 &&
            length > 0)
            return block;
    }
    return 0;
}

/* Doublings take three places each, from 2 on, with the convolution in the second; behind them stand a
 * convolution, what it leaves below 0, and the last one. */
static size_t count_doublings(const struct weight_set *file)
{
    size_t count = 0;
    unsigned last = 0;

    for (size_t i = 0; i < weight_set_count(file); i++) {
        const char *name = weight_set_at(file, i)->name, *tail;
        unsigned place;

        if (!place_of(name, &place, &tail) || strcmp(tail, "weight") != 0 || place < 2)
            continue;
        count++;
        last = place > last ? place : last;
    }
    return count >= 2 && last == 3 * (count - 2) + 4 ? count - 2 : SIZE_MAX;
}

bool rrdb_names_tell(const struct weight_set *file, struct rrdb_names *out)
{
    *out = (struct rrdb_names){0, SIZE_MAX};
    if (weight_set_find(file, "model.0.weight") &&
        weight_set_find(file, "model.1.sub.0.RDB1.conv1.0.weight")) {
        *out = (struct rrdb_names){count_blocks(file), count_doublings(file)};
        return true;
    }
    return weight_set_find(file, "body.0.rdb1.conv1.weight") ||
           weight_set_find(file, "RRDB_trunk.0.RDB1.conv1.weight");
}

/* A convolution of the list by its place. */
static bool listed_name(const struct rrdb_names *names, unsigned place, const char *tail,
                        struct weight_alias *out)
{
    const size_t behind = 3 * names->up_count + 2; /* the first place behind the doublings */
    const char *part = NULL;

    if (names->up_count == SIZE_MAX)
        return false;
    if (place >= 2 && place < behind && place % 3 == 0)
        return snprintf(out->name, sizeof out->name, "conv_up%u.%s", place / 3, tail) < (int)sizeof out->name;
    part = place == 0 ? "conv_first" : place == behind ? "conv_hr" : place == behind + 2 ? "conv_last" : NULL;
    return part && snprintf(out->name, sizeof out->name, "%s.%s", part, tail) < (int)sizeof out->name;
}

bool rrdb_names_rename(const void *arg, const char *name, size_t i, struct weight_alias *out)
{
    const struct rrdb_names *names = arg;
    unsigned place;
    const char *tail;
    int length = 0;

    if (i > 0)
        return false;
    if (block_name(name, out) || (place_of(name, &place, &tail) && listed_name(names, place, tail, out)))
        return true;
    if (sscanf(name, "model.1.sub.%4u.%n", &place, &length) == 1 && length > 0 && place == names->blocks)
        return snprintf(out->name, sizeof out->name, "conv_body.%s", name + length) < (int)sizeof out->name;
    for (size_t k = 0; k < sizeof starts / sizeof starts[0]; k++) {
        const size_t size = strlen(starts[k][0]);

        if (strncmp(name, starts[k][0], size) == 0)
            return snprintf(out->name, sizeof out->name, "%s%s", starts[k][1], name + size) <
                   (int)sizeof out->name;
    }
    return snprintf(out->name, sizeof out->name, "%s", name) < (int)sizeof out->name;
}
