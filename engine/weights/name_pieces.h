/*
 * name_pieces.h - tensors' names, a piece replaced at a time.
 *
 * Where a name is put out, it has WEIGHT_NAME_ROOM bytes, and false means that it is longer or that no piece
 * fits.
 */
#ifndef NAME_PIECES_H
#define NAME_PIECES_H

#include <stdbool.h>
#include <stddef.h>

/* Numbers in names are smaller. */
#define NAME_MAX_NUMBER 1000

/* What a name may begin with, and what stands in its place; a list of them ends in one without a from. */
struct name_piece {
    const char *from, *to;
};

/* What follows `prefix` in name; NULL when it does not begin so. */
const char *name_behind(const char *name, const char *prefix);

/* The number that ends in a dot where *name begins, which is moved behind it; false: there is none. */
bool name_take_number(const char **name, size_t *out);

/* base and rest. */
bool name_append(char *out, const char *base, const char *rest);

/* base, and rest with its piece replaced. */
bool name_replace(char *out, const char *base, const char *rest, const struct name_piece *pieces);
/* The same from `to` back to `from`. */
bool name_restore(char *out, const char *base, const char *rest, const struct name_piece *pieces);

#endif
