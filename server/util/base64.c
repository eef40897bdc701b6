#include "util/base64.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_encoded_size(size_t size)
{
    const size_t groups = size / 3 + (size % 3 != 0);

    return groups > SIZE_MAX / 4 ? SIZE_MAX : groups * 4;
}

void base64_encode(char *out, const void *data, size_t size)
{
    const uint8_t *bytes = data;

    for (; size >= 3; size -= 3, bytes += 3) {
        *out++ = alphabet[bytes[0] >> 2];
        *out++ = alphabet[(bytes[0] & 3) << 4 | bytes[1] >> 4];
        *out++ = alphabet[(bytes[1] & 15) << 2 | bytes[2] >> 6];
        *out++ = alphabet[bytes[2] & 63];
    }
    if (size > 0) {
        const uint8_t second = size == 2 ? bytes[1] : 0;

        *out++ = alphabet[bytes[0] >> 2];
        *out++ = alphabet[(bytes[0] & 3) << 4 | second >> 4];
        *out++ = size == 2 ? alphabet[(second & 15) << 2] : '=';
        *out++ = '=';
    }
}

char *base64_encode_new(const void *data, size_t size)
{
    const size_t length = base64_encoded_size(size);
    char *out = length < SIZE_MAX ? malloc(length + 1) : NULL;

    if (!out)
        return NULL;
    base64_encode(out, data, size);
    out[length] = '\0';
    return out;
}

size_t base64_decoded_bound(size_t length)
{
    return length / 4 * 3;
}

/* 0..63, or -1. */
static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_decode(const char *text, size_t length, uint8_t *out, size_t *size)
{
    size_t padding = 0, written = 0;

    if (length % 4 != 0)
        return false;
    if (length > 0 && text[length - 1] == '=')
        padding = text[length - 2] == '=' ? 2 : 1;
    for (size_t i = 0; i < length; i += 4) {
        const size_t bytes = i + 4 == length ? 3 - padding : 3;
        int group = 0;

        for (size_t j = 0; j < 4; j++) {
            const int value = j > bytes ? 0 : value_of(text[i + j]);

            if (value < 0)
                return false;
            group = group << 6 | value;
        }
        if (group & (bytes == 1 ? 0xFFFF : bytes == 2 ? 0xFF : 0))
            return false;
        for (size_t j = 0; j < bytes; j++)
            out[written++] = (uint8_t)(group >> (16 - 8 * j));
    }
    *size = written;
    return true;
}

const char *base64_skip_data_url(const char *text)
{
    static const char *const taken[] = {"data:image/png;base64,", "data:image/jpeg;base64,",
                                        "data:image/jpg;base64,", "data:image/webp;base64,"};

    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        if (strncasecmp(text, taken[i], strlen(taken[i])) == 0)
            return text + strlen(taken[i]);
    return strncasecmp(text, "data:", 5) == 0 ? NULL : text;
}
