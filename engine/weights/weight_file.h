/*
 * weight_file.h - one file of weights, of whatever format, as a checked list.
 */
#ifndef WEIGHT_FILE_H
#define WEIGHT_FILE_H

#include <stddef.h>

#include <latentd/error.h>

#include "base/mapped_file.h"
#include "weights/weight_set.h"

#define WEIGHT_FILE_MAX_NAME 255u /* bytes */

struct weight_file {
    struct mapped_file map;
    char *names;            /* every name with its terminator; the weights point here */
    struct weight *weights; /* in no order */
    size_t count;
    const char *buffer; /* the name of a tensor of integers, which is no weight; NULL: there is none */
    /* What the metadata say; NULL: they do not. */
    char *prediction; /* modelspec.prediction_type */
    char *adapter;    /* lora_adapter_metadata: JSON */
};

void weight_file_close(struct weight_file *file); /* also of a zeroed struct */

/* Names stand in messages of one line, so they are short, and free of control characters; and no name ends
 * before its last byte.  Errors: LTD_EFORMAT, whose message begins with the path. */
LTD_MUST_USE enum ltd_status weight_file_check_name(const char *path, const char *name, size_t size,
                                                    struct ltd_error *err);

#endif
