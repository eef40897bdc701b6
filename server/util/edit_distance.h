/*
 * edit_distance.h - for "did you mean".
 */
#ifndef EDIT_DISTANCE_H
#define EDIT_DISTANCE_H

#include <stdbool.h>
#include <stddef.h>

/* Insertions, deletions, replacements and swaps of neighbours that make b out of a; only the first 64 bytes
 * of each count. */
size_t edit_distance(const char *a, const char *b);

/* Whether candidate is near enough to what was typed to be worth offering: a third of its letters may differ.
 */
bool edit_distance_is_near(const char *typed, const char *candidate);

#endif
