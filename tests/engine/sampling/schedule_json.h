/*
 * schedule_json.h - scheduler configurations written in a test's source.
 */
#ifndef SCHEDULE_JSON_H
#define SCHEDULE_JSON_H

#include <string.h>

#include "sampling/sampling.h"

/* A checked config from JSON text with ' for "; NULL, and the status in err, when it is refused. */
static inline struct schedule_config *config_of(const char *text, struct ltd_error *err)
{
    struct schedule_config *config = NULL;
    struct ltd_json *json = NULL;
    char quoted[1024];
    size_t length = strlen(text);

    *err = (struct ltd_error){.status = LTD_OK};
    if (length >= sizeof quoted) {
        err->status = LTD_ETOOBIG;
        return NULL;
    }
    for (size_t i = 0; i <= length; i++)
        quoted[i] = text[i] == '\'' ? '"' : text[i];
    if (ltd_json_parse(quoted, length, &ltd_json_file_limits, &json, err) != LTD_OK)
        return NULL;
    if (schedule_config_read(json, &config, err) != LTD_OK)
        config = NULL;
    ltd_json_free(json);
    return config;
}

#endif
