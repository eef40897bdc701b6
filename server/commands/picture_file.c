#include "commands/picture_file.h"

#include "util/read_file.h"

#include <stdlib.h>

static const size_t max_file_bytes = (size_t)256 << 20;
static const size_t max_pixels = (size_t)64 << 20;

enum ltd_status picture_file_read(const char *path, struct ltd_image **out, struct ltd_error *err)
{
    void *data = NULL;
    size_t size;
    enum ltd_status status;
    const char *wrong = read_file(path, max_file_bytes, &data, &size);

    if (wrong)
        return ltd_fail(err, LTD_EIO, "%s", wrong);
    status = ltd_image_decode(data, size, max_pixels, out, err);
    free(data);
    return status;
}
