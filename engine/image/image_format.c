#include "image/image_format.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    size_t offset, length;
    const char *magic;
} formats[] = {
    {"JPEG", 0, 3, "\xFF\xD8\xFF"}, {"GIF", 0, 4, "GIF8"},
    {"WebP", 8, 4, "WEBP"},         {"BMP", 0, 2, "BM"},
    {"TIFF", 0, 4, "II*\0"},        {"TIFF", 0, 4, "MM\0*"},
    {"AVIF", 4, 8, "ftypavif"},     {"HEIF", 4, 7, "ftyphei"},
    {"HEIF", 4, 8, "ftypmif1"},     {"JPEG XL", 0, 2, "\xFF\x0A"},
    {"JPEG XL", 4, 4, "JXL "},      {"ICO", 0, 4, "\0\0\1\0"},
};

/* Text formats begin after an optional byte order mark and blanks. */
static const char *text_format(const char *text, size_t size)
{
    if (size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        text += 3;
        size -= 3;
    }
    while (size > 0 && strchr(" \t\r\n", *text) && *text) {
        text++;
        size--;
    }
    if (size == 0 || *text != '<')
        return NULL;
    if ((size >= 5 && strncasecmp(text, "<html", 5) == 0) ||
        (size >= 14 && strncasecmp(text, "<!DOCTYPE html", 14) == 0))
        return "HTML";
    return "SVG";
}

const char *image_format_other(const void *data, size_t size)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (size >= formats[i].offset + formats[i].length &&
            memcmp((const char *)data + formats[i].offset, formats[i].magic, formats[i].length) == 0)
            return formats[i].name;
    return text_format(data, size);
}
