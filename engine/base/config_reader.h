/*
 * config_reader.h - typed reading of the JSON files of a model.
 *
 * The first error is kept and later reads give their default, so that a reader of a config is a list of its
 * keys. What a file leaves out, or sets to null, takes the default.
 */
#ifndef CONFIG_READER_H
#define CONFIG_READER_H

#include <stdbool.h>
#include <stddef.h>

#include <latentd/error.h>
#include <latentd/json.h>

struct config_reader {
    const struct ltd_json *json;
    const char *file; /* for messages */
    struct ltd_error *err;
    enum ltd_status status;
};

/* Far beyond any config.json; a tokenizer's vocabulary and an index of shards are larger, and have their own.
 */
#define CONFIG_MAX_BYTES (1 << 20)

/* ltd_json_read_file for a file of a model: what is no JSON object, or too large, is LTD_EFORMAT like
 * anything else that is malformed in it.  Other errors: LTD_ENOTFOUND, LTD_EIO, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status config_read_file(const char *path, size_t max_bytes, struct ltd_json **out,
                                              struct ltd_error *err);

/* An integer within [min, max]. */
size_t config_size(struct config_reader *r, const char *key, size_t absent, size_t min, size_t max);
double config_real(struct config_reader *r, const char *key, double absent, double min, double max);
bool config_flag(struct config_reader *r, const char *key, bool absent);
/* Borrowed from the JSON. */
const char *config_text(struct config_reader *r, const char *key, const char *absent);
/* A list of 1..limit integers within [min, max], or one integer, which stands for `repeat` equal ones. Writes
 * out [limit] and returns the number. */
size_t config_sizes(struct config_reader *r, const char *key, size_t *out, size_t limit, size_t repeat,
                    size_t absent, size_t min, size_t max);
/* An integer within [min, max] that stands somewhere under `key`; false: it is none. */
bool config_size_at(struct config_reader *r, const char *key, const struct ltd_json *value, size_t min,
                    size_t max, size_t *out);
/* The same for flags; exactly `repeat` of them. */
void config_flags(struct config_reader *r, const char *key, bool *out, size_t repeat, bool absent);
/* Is the key there and not null? */
bool config_has(const struct config_reader *r, const char *key);
/* Refuses the file (LTD_EUNSUPPORTED, naming key and value) unless the key is absent, null, false or the text
 * `neutral` (NULL: no text is neutral). */
void config_refuse(struct config_reader *r, const char *key, const char *neutral);
/* Notes an error that a caller found, unless there is one already. */
void config_fail(struct config_reader *r, enum ltd_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
