/*
 * picture_fixture.h - files of tests/engine/image/fixtures, read from the root of the source tree.
 */
#ifndef PICTURE_FIXTURE_H
#define PICTURE_FIXTURE_H

#include "check.h"

#include <stdio.h>
#include <stdlib.h>

/* The bytes of a file there, which the caller frees; NULL, and the test fails, when it is not there. */
static inline uint8_t *fixture_read(const char *name, size_t *size)
{
    char path[256];
    uint8_t *data = malloc(1 << 20);
    FILE *file;

    snprintf(path, sizeof path, "tests/engine/image/fixtures/%s", name);
    file = fopen(path, "rb");
    if (!file || !data) {
        check_failed(__FILE__, __LINE__, "%s cannot be read", path);
        free(data);
        if (file)
            fclose(file);
        return NULL;
    }
    *size = fread(data, 1, 1 << 20, file);
    fclose(file);
    return data;
}

#endif
