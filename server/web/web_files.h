/*
 * web_files.h - the page, as it stands in this folder, inside the program.
 *
 * embed.py makes web_files.c of the files that meson.build lists.
 */
#ifndef WEB_FILES_H
#define WEB_FILES_H

#include <stddef.h>
#include <stdint.h>

struct web_file {
    const char *name;         /* "index.html" */
    const char *content_type; /* told from the name's ending */
    const char *etag;         /* without its quotes: a part of the SHA-256 of the bytes */
    const uint8_t *data;
    size_t size;
};

/* All in static storage.  NULL: there is no such file. */
const struct web_file *web_file_find(const char *name);

#endif
