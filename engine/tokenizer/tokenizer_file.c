#include "tokenizer/tokenizer_file.h"

#include <stdio.h>

enum ltd_status tokenizer_json_read(const char *path, struct ltd_json **out, struct ltd_error *err)
{
    const enum ltd_status status = ltd_json_read_file(path, TOKENIZER_MAX_FILE, out, err);

    if (status != LTD_ESYNTAX && status != LTD_ETOOBIG)
        return status;
    if (err)
        err->status = LTD_EFORMAT;
    return LTD_EFORMAT;
}

char *tokenizer_path(const char *dir, const char *name)
{
    char *path;

    return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}
