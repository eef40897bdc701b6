#include "weights/weight_file.h"

#include <stdlib.h>

void weight_file_close(struct weight_file *file)
{
    free(file->weights);
    free(file->names);
    free(file->prediction);
    free(file->adapter);
    mapped_file_close(&file->map);
    *file = (struct weight_file){0};
}

enum ltd_status weight_file_check_name(const char *path, const char *name, size_t size, struct ltd_error *err)
{
    if (size > WEIGHT_FILE_MAX_NAME)
        return ltd_fail(err, LTD_EFORMAT, "%s: a tensor's name is longer than %u bytes", path,
                        WEIGHT_FILE_MAX_NAME);
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7F)
            return ltd_fail(err, LTD_EFORMAT, "%s: a tensor's name holds a control character", path);
    return LTD_OK;
}
