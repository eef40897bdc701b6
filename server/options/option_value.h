/*
 * option_value.h - one value of a table: text to field and back.
 */
#ifndef OPTION_VALUE_H
#define OPTION_VALUE_H

#include "options/option_table.h"

/* Reads text into the field; a LIST grows by one item.  NULL, or what the text should have been (static
 * storage), and the field is untouched. */
const char *option_value_parse(const struct option_spec *spec, void *values, const char *text);
/* Frees what the field owns and zeroes it. */
void option_value_clear(const struct option_spec *spec, void *values);

#endif
