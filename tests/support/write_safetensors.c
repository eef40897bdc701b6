#include "write_safetensors.h"

#include <stdio.h>
#include <stdlib.h>

static void write_entry(FILE *out, const struct weight *w, size_t first)
{
    static const char *const names[] = {"F32", "F16", "BF16"};

    fprintf(out, "\"%s\":{\"dtype\":\"%s\",\"shape\":[", w->name, names[w->dtype]);
    for (int i = 0; i < w->rank; i++)
        fprintf(out, "%s%zu", i ? "," : "", w->dim[i]);
    fprintf(out, "],\"data_offsets\":[%zu,%zu]}", first, first + w->count * dtype_size(w->dtype));
}

/* The header as malloc'd text; NULL without memory. */
static char *make_header(const struct weight *tensors, size_t count, size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    size_t first = 0;

    if (!out)
        return NULL;
    fputc('{', out);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            fputc(',', out);
        write_entry(out, &tensors[i], first);
        first += tensors[i].count * dtype_size(tensors[i].dtype);
    }
    fputc('}', out);
    fclose(out);
    return text;
}

bool write_safetensors(const char *path, const struct weight *tensors, size_t count)
{
    size_t size = 0;
    char *header = make_header(tensors, count, &size);
    FILE *file = header ? fopen(path, "wb") : NULL;
    bool good = file != NULL;

    for (int i = 0; good && i < 8; i++)
        good = fputc((int)((uint64_t)size >> (8 * i) & 0xff), file) != EOF;
    good = good && fwrite(header, 1, size, file) == size;
    for (size_t i = 0; good && i < count; i++)
        good =
            fwrite(tensors[i].data, dtype_size(tensors[i].dtype), tensors[i].count, file) == tensors[i].count;
    if (file)
        good = fclose(file) == 0 && good;
    free(header);
    return good;
}
