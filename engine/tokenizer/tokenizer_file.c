#include "tokenizer/tokenizer_file.h"

#include <stdio.h>

#include "base/config_reader.h"

enum ltd_status tokenizer_json_read(const char *path, struct ltd_json **out, struct ltd_error *err)
{
    return config_read_file(path, TOKENIZER_MAX_FILE, out, err);
}

char *tokenizer_path(const char *dir, const char *name)
{
    char *path;

    return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}
