#include "changed_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model_copy.h"
#include "write_safetensors.h"

/* Writes all tensors of the file, but `name` as change leaves it, or not at all when change is NULL. */
static bool rewrite(const char *file, const char *name, change_tensor_fn *change)
{
    char fresh[4200];
    struct weight_set *set = NULL;
    struct weight *tensors = NULL;
    size_t count = 0;
    bool found = false, good = false;

    snprintf(fresh, sizeof fresh, "%s.new", file);
    if (weight_set_open_file(file, &set, NULL) == LTD_OK)
        tensors = calloc(weight_set_count(set) + 1, sizeof *tensors);
    for (size_t i = 0; tensors && i < weight_set_count(set); i++) {
        tensors[count] = *weight_set_at(set, i);
        if (strcmp(tensors[count].name, name) == 0) {
            found = true;
            if (!change)
                continue;
            change(&tensors[count]);
        }
        count++;
    }
    if (found)
        good = write_safetensors(fresh, tensors, count) && rename(fresh, file) == 0;
    free(tensors);
    weight_set_close(set);
    return good;
}

bool change_tensor(const char *file, const char *name, change_tensor_fn *change)
{
    return rewrite(file, name, change);
}

bool drop_tensor(const char *file, const char *name)
{
    return rewrite(file, name, NULL);
}

bool change_text(const char *file, const char *from, const char *to)
{
    struct file_bytes bytes = {NULL, 0};
    FILE *out = NULL;
    char *at = NULL;

    if (file_read(file, &bytes)) {
        bytes.data[bytes.size] = '\0';
        at = strstr((char *)bytes.data, from);
    }
    if (at && (out = fopen(file, "wb"))) {
        fwrite(bytes.data, 1, (size_t)(at - (char *)bytes.data), out);
        fputs(to, out);
        fputs(at + strlen(from), out);
        fclose(out);
    }
    free(bytes.data);
    return out != NULL;
}
