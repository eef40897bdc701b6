/*
 * control_list.h - the members of the field `controls`: networks, and the pictures that they hold the drawing
 * to.
 */
#ifndef CONTROL_LIST_H
#define CONTROL_LIST_H

#include <stdbool.h>

#include <latentd/json.h>
#include <latentd/params.h>

enum { CONTROL_WRONG_SIZE = 200 };

/* What is wrong with one. */
struct control_wrong {
    const char *member; /* static storage; "" the whole of it */
    char detail[CONTROL_WRONG_SIZE];
};

/* What one is that says nothing, without a model and a picture. */
const struct ltd_control *control_standard(void);

/* Reads one, but for its picture: *out borrows its model from json, and *image is base64 of it, borrowed too.
 * false: it is wrong. */
bool control_read(const struct ltd_json *json, struct ltd_control *out, const char **image,
                  struct control_wrong *wrong);

/* All of it but the picture. */
struct ltd_json *control_encode(const struct ltd_control *control);

/* JSON Schema of one. */
struct ltd_json *control_schema(void);

#endif
