#include "weights/name_pieces.h"

#include <stdio.h>
#include <string.h>

#include "weights/weight_set.h"

const char *name_behind(const char *name, const char *prefix)
{
    const size_t length = strlen(prefix);

    return strncmp(name, prefix, length) == 0 ? name + length : NULL;
}

bool name_take_number(const char **name, size_t *out)
{
    const char *c = *name;
    size_t number = 0;

    while (*c >= '0' && *c <= '9' && number < NAME_MAX_NUMBER)
        number = 10 * number + (size_t)(*c++ - '0');
    if (c == *name || *c != '.')
        return false;
    *name = c + 1;
    *out = number;
    return true;
}

bool name_replace(char *out, const char *base, const char *rest, const struct name_piece *pieces)
{
    for (; pieces->from; pieces++) {
        const char *tail = name_behind(rest, pieces->from);

        if (tail)
            return snprintf(out, WEIGHT_NAME_ROOM, "%s%s%s", base, pieces->to, tail) < WEIGHT_NAME_ROOM;
    }
    return false;
}

bool name_append(char *out, const char *base, const char *rest)
{
    return snprintf(out, WEIGHT_NAME_ROOM, "%s%s", base, rest) < WEIGHT_NAME_ROOM;
}

bool name_restore(char *out, const char *base, const char *rest, const struct name_piece *pieces)
{
    for (; pieces->from; pieces++) {
        const char *tail = name_behind(rest, pieces->to);

        if (tail)
            return snprintf(out, WEIGHT_NAME_ROOM, "%s%s%s", base, pieces->from, tail) < WEIGHT_NAME_ROOM;
    }
    return false;
}
