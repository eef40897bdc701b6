/*
 * test_parity_refused.c - config values that would change the network and are not built are refused by name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "model_copy.h"

#define FIXTURE "tests/parity/fixtures/sd15"

static int failures;

/* Deep copy of a JSON value, to build a changed file. */
static struct ltd_json *copy_value(const struct ltd_json *v)
{
    char *text = ltd_json_print(v, false);
    struct ltd_json *copy = NULL;

    if (text && ltd_json_parse(text, strlen(text), &ltd_json_file_limits, &copy, NULL) != LTD_OK)
        copy = NULL;
    free(text);
    return copy;
}

/* The config with the row's fields set, printed; the caller frees it. */
static char *changed_config(const struct ltd_json *config, const struct ltd_json *set)
{
    struct ltd_json *out = ltd_json_new_object();
    char *text;

    for (const struct ltd_json *v = ltd_json_first(config); v; v = ltd_json_next(v))
        if (!ltd_json_get(set, ltd_json_key(v)))
            ltd_json_add(out, ltd_json_key(v), copy_value(v));
    for (const struct ltd_json *v = ltd_json_first(set); v; v = ltd_json_next(v))
        ltd_json_add(out, ltd_json_key(v), copy_value(v));
    text = ltd_json_print(out, true);
    ltd_json_free(out);
    return text;
}

static void try_row(const struct ltd_json *row, const char *dir)
{
    const char *part = case_text(row, "part"), *names = case_text(row, "names");
    struct ltd_json *config = NULL;
    struct ltd_model *model = NULL;
    struct ltd_error err = {.message = "it was loaded"};
    struct file_bytes before = {NULL, 0};
    char path[4200], *changed = NULL;
    bool refused = false;

    snprintf(path, sizeof path, "%s/%s/config.json", dir, part);
    if (file_read(path, &before) && ltd_json_read_file(path, 1 << 20, &config, &err) == LTD_OK)
        changed = changed_config(config, ltd_json_get(row, "set"));
    if (changed && file_write(path, changed, strlen(changed)))
        refused = ltd_model_open(dir, &model, &err) != LTD_OK && strstr(err.message, names);
    printf("# %s\n%s refused/%s/%s\n", err.message, refused ? "ok" : "not ok", part, names);
    failures += !refused;
    ltd_model_close(model);
    file_write(path, before.data, before.size);
    free(before.data);
    free(changed);
    ltd_json_free(config);
}

int main(void)
{
    char dir[1024];
    struct fixture f;
    struct ltd_error err;
    size_t rows = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (fixture_open(&f, FIXTURE, 1, &err) != LTD_OK || !model_copy_make(f.model_dir, dir, sizeof dir)) {
        printf("not ok refused/fixture\n");
        return 1;
    }
    for (const struct ltd_json *row = ltd_json_first(ltd_json_get(f.json, "refused")); row;
         row = ltd_json_next(row)) {
        try_row(row, dir);
        rows++;
    }
    model_copy_remove(dir);
    fixture_close(&f);
    return failures > 0 || rows == 0;
}
