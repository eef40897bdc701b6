#include "base/config_reader.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum ltd_status config_read_file(const char *path, size_t max_bytes, struct ltd_json **out,
                                 struct ltd_error *err)
{
    struct ltd_json *json = NULL;
    const enum ltd_status status = ltd_json_read_file(path, max_bytes, &json, err);

    if (status == LTD_ESYNTAX || status == LTD_ETOOBIG) {
        if (err)
            err->status = LTD_EFORMAT;
        return LTD_EFORMAT;
    }
    if (status != LTD_OK)
        return status;
    if (ltd_json_type(json) != LTD_JSON_OBJECT) {
        ltd_json_free(json);
        return ltd_fail(err, LTD_EFORMAT, "%s: must be a JSON object", path);
    }
    *out = json;
    return LTD_OK;
}

void config_fail(struct config_reader *r, enum ltd_status status, const char *format, ...)
{
    va_list args;
    char text[400];

    if (r->status != LTD_OK)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    r->status = ltd_fail(r->err, status, "%s: %s", r->file, text);
}

static const struct ltd_json *find(const struct config_reader *r, const char *key)
{
    const struct ltd_json *value = ltd_json_get(r->json, key);

    return ltd_json_type(value) == LTD_JSON_NULL ? NULL : value;
}

bool config_has(const struct config_reader *r, const char *key)
{
    return find(r, key) != NULL;
}

bool config_size_at(struct config_reader *r, const char *key, const struct ltd_json *value, size_t min,
                    size_t max, size_t *out)
{
    uint64_t number;

    if (!ltd_json_uint64(value, &number) || number < min || number > max) {
        config_fail(r, LTD_EFORMAT, "%s must be an integer of %zu to %zu", key, min, max);
        return false;
    }
    *out = (size_t)number;
    return true;
}

size_t config_size(struct config_reader *r, const char *key, size_t absent, size_t min, size_t max)
{
    const struct ltd_json *value = find(r, key);
    size_t size = absent;

    if (value)
        config_size_at(r, key, value, min, max, &size);
    return size;
}

double config_real(struct config_reader *r, const char *key, double absent, double min, double max)
{
    const struct ltd_json *value = find(r, key);
    const double number = ltd_json_number(value);

    if (!value)
        return absent;
    if (ltd_json_type(value) != LTD_JSON_NUMBER || !(number >= min && number <= max)) {
        config_fail(r, LTD_EFORMAT, "%s must be a number of %g to %g", key, min, max);
        return absent;
    }
    return number;
}

bool config_flag(struct config_reader *r, const char *key, bool absent)
{
    const struct ltd_json *value = find(r, key);

    if (!value)
        return absent;
    if (ltd_json_type(value) != LTD_JSON_BOOL)
        config_fail(r, LTD_EFORMAT, "%s must be true or false", key);
    return ltd_json_bool(value);
}

const char *config_text(struct config_reader *r, const char *key, const char *absent)
{
    const struct ltd_json *value = find(r, key);

    if (!value)
        return absent;
    if (ltd_json_type(value) != LTD_JSON_STRING) {
        config_fail(r, LTD_EFORMAT, "%s must be a string", key);
        return absent;
    }
    return ltd_json_string(value);
}

size_t config_sizes(struct config_reader *r, const char *key, size_t *out, size_t limit, size_t repeat,
                    size_t absent, size_t min, size_t max)
{
    const struct ltd_json *value = find(r, key);
    const size_t count = ltd_json_size(value);
    size_t n = 0, one;

    if (ltd_json_type(value) != LTD_JSON_ARRAY) {
        one = config_size(r, key, absent, min, max);
        for (n = 0; n < repeat; n++)
            out[n] = one;
        return repeat;
    }
    if (count < 1 || count > limit) {
        config_fail(r, LTD_EFORMAT, "%s must have 1 to %zu entries", key, limit);
        return 0;
    }
    for (const struct ltd_json *v = ltd_json_first(value); v; v = ltd_json_next(v))
        if (!config_size_at(r, key, v, min, max, &out[n++]))
            return 0;
    return n;
}

void config_flags(struct config_reader *r, const char *key, bool *out, size_t repeat, bool absent)
{
    const struct ltd_json *value = find(r, key), *v;
    size_t n = 0;

    if (ltd_json_type(value) != LTD_JSON_ARRAY) {
        const bool one = config_flag(r, key, absent);

        for (n = 0; n < repeat; n++)
            out[n] = one;
        return;
    }
    if (ltd_json_size(value) != repeat) {
        config_fail(r, LTD_EFORMAT, "%s must have %zu entries", key, repeat);
        return;
    }
    for (v = ltd_json_first(value); v; v = ltd_json_next(v)) {
        if (ltd_json_type(v) != LTD_JSON_BOOL)
            config_fail(r, LTD_EFORMAT, "%s must hold true and false", key);
        out[n++] = ltd_json_bool(v);
    }
}

void config_refuse(struct config_reader *r, const char *key, const char *neutral)
{
    const struct ltd_json *value = find(r, key);
    const char *text = ltd_json_string(value);
    char *shown;

    if (!value || (ltd_json_type(value) == LTD_JSON_BOOL && !ltd_json_bool(value)))
        return;
    if (neutral && text && strcmp(text, neutral) == 0)
        return;
    shown = ltd_json_print(value, false);
    config_fail(r, LTD_EUNSUPPORTED, "%s %.100s is not supported", key, shown ? shown : "");
    free(shown);
}
