#include "image/exif.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    TIFF_HEADER = 8,
    IFD_ENTRY = 12,
    ORIENTATION = 0x0112,
    EXIF_IFD = 0x8769,
    USER_COMMENT = 0x9286,
    TYPE_LONG = 4,
    TYPE_UNDEFINED = 7,
    COMMENT_MAX = 2 * 1024 * 1024,
    CODE = 8, /* what a comment begins with: its character code */
    REPLACEMENT = 0xFFFD
};

struct block {
    const uint8_t *tiff;
    size_t size;
    bool little;
};

static unsigned two_bytes(const struct block *b, size_t at)
{
    const uint8_t *p = b->tiff + at;

    return b->little ? (unsigned)p[0] | (unsigned)p[1] << 8 : (unsigned)p[0] << 8 | p[1];
}

static size_t four_bytes(const struct block *b, size_t at)
{
    const size_t first = two_bytes(b, at), second = two_bytes(b, at + 2);

    return b->little ? first | second << 16 : first << 16 | second;
}

static bool open_block(const uint8_t *tiff, size_t size, struct block *out)
{
    *out = (struct block){tiff, size, size >= TIFF_HEADER && tiff[0] == 'I'};
    return size >= TIFF_HEADER && (memcmp(tiff, "II*\0", 4) == 0 || memcmp(tiff, "MM\0*", 4) == 0);
}

/* Where the entry of a tag stands in the directory at `at`; 0: nowhere. */
static size_t find_entry(const struct block *b, size_t at, unsigned tag)
{
    size_t count;

    if (at > b->size - 2)
        return 0;
    count = two_bytes(b, at);
    at += 2;
    for (size_t i = 0; i < count && b->size - at >= IFD_ENTRY; i++, at += IFD_ENTRY)
        if (two_bytes(b, at) == tag)
            return at;
    return 0;
}

unsigned exif_orientation(const uint8_t *tiff, size_t size)
{
    struct block b;
    size_t entry;
    unsigned told;

    if (!open_block(tiff, size, &b))
        return 1;
    entry = find_entry(&b, four_bytes(&b, 4), ORIENTATION);
    told = entry ? two_bytes(&b, entry + 8) : 1;
    return told >= 1 && told <= 8 ? told : 1;
}

/* The next character of UTF-8, which it steps over. */
static uint32_t next_char(const char **text)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    const uint8_t *p = (const uint8_t *)*text;
    const int more = p[0] < 0x80   ? 0
                     : p[0] < 0xC0 ? -1
                     : p[0] < 0xE0 ? 1
                     : p[0] < 0xF0 ? 2
                     : p[0] < 0xF8 ? 3
                                   : -1;
    uint32_t c = more > 0 ? p[0] & (0x3Fu >> more) : p[0];

    ++*text;
    if (more < 0)
        return REPLACEMENT;
    for (int i = 1; i <= more; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return REPLACEMENT;
        c = c << 6 | (p[i] & 0x3F);
    }
    *text += more;
    return c < least[more] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000) ? REPLACEMENT : c;
}

size_t exif_size(const char *text)
{
    size_t units = 0;

    while (*text)
        units += next_char(&text) > 0xFFFF ? 2 : 1;
    return EXIF_FRAME + 2 * units;
}

static uint8_t *put_two(uint8_t *at, uint32_t number)
{
    at[0] = (uint8_t)(number >> 8);
    at[1] = (uint8_t)number;
    return at + 2;
}

static uint8_t *put_four(uint8_t *at, size_t number)
{
    return put_two(put_two(at, (uint32_t)(number >> 16) & 0xFFFF), (uint32_t)number & 0xFFFF);
}

/* A directory of one entry, and none after it. */
static uint8_t *put_directory(uint8_t *at, uint32_t tag, uint32_t type, size_t count, size_t value)
{
    at = put_two(at, 1);
    at = put_two(put_two(at, tag), type);
    at = put_four(put_four(at, count), value);
    return put_four(at, 0);
}

void exif_write(const char *text, uint8_t *out)
{
    const size_t directory = 2 + IFD_ENTRY + 4, comment = exif_size(text) - EXIF_FRAME + CODE;
    uint8_t *at = out;

    memcpy(at, "MM\0*", 4);
    at = put_four(at + 4, TIFF_HEADER);
    at = put_directory(at, EXIF_IFD, TYPE_LONG, 1, TIFF_HEADER + directory);
    at = put_directory(at, USER_COMMENT, TYPE_UNDEFINED, comment, TIFF_HEADER + 2 * directory);
    memcpy(at, "UNICODE\0", CODE);
    at += CODE;
    while (*text) {
        const uint32_t c = next_char(&text);

        if (c > 0xFFFF)
            at = put_two(put_two(at, 0xD800 + ((c - 0x10000) >> 10)), 0xDC00 + ((c - 0x10000) & 0x3FF));
        else
            at = put_two(at, c);
    }
}

static char *put_char(char *at, uint32_t c)
{
    static const uint8_t lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    const int bytes = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    for (int i = bytes - 1; i > 0; i--, c >>= 6)
        at[i] = (char)(0x80 | (c & 0x3F));
    at[0] = (char)(lead[bytes == 1 ? 0 : bytes] | c);
    return at + bytes;
}

static bool is_little(const uint8_t *text, size_t units)
{
    size_t zeros[2] = {0, 0};

    if (units > 0 && (memcmp(text, "\xFE\xFF", 2) == 0 || memcmp(text, "\xFF\xFE", 2) == 0))
        return text[0] == 0xFF;
    for (size_t i = 0; i < 2 * units; i++)
        zeros[i % 2] += text[i] == 0;
    return zeros[1] > zeros[0];
}

/* UTF-16 until its end or a zero; out has room for three bytes a unit. */
static char *put_utf16(char *out, const uint8_t *text, size_t units)
{
    const struct block b = {text, 2 * units, is_little(text, units)};

    for (size_t i = 0; i < units; i++) {
        uint32_t c = two_bytes(&b, 2 * i), low = i + 1 < units ? two_bytes(&b, 2 * i + 2) : 0;

        if (c == 0)
            break;
        if (c == 0xFEFF && i == 0)
            continue;
        if (c >= 0xD800 && c < 0xDC00 && low >= 0xDC00 && low < 0xE000) {
            c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
            i++;
        } else if (c >= 0xD800 && c < 0xE000) {
            c = REPLACEMENT;
        }
        out = put_char(out, c);
    }
    return out;
}

/* Bytes that are meant as UTF-8, until their end or a zero; out has room for three a byte. */
static char *put_utf8(char *out, const char *text)
{
    while (*text)
        out = put_char(out, next_char(&text));
    return out;
}

enum ltd_status exif_comment(const uint8_t *tiff, size_t size, char **out, struct ltd_error *err)
{
    struct block b;
    size_t entry, at, count;
    char *text, *bytes;

    *out = NULL;
    if (!open_block(tiff, size, &b))
        return LTD_OK;
    entry = find_entry(&b, four_bytes(&b, 4), EXIF_IFD);
    entry = entry ? find_entry(&b, four_bytes(&b, entry + 8), USER_COMMENT) : 0;
    if (!entry)
        return LTD_OK;
    count = four_bytes(&b, entry + 4);
    at = four_bytes(&b, entry + 8);
    if (count < CODE || at > size || count > size - at)
        return LTD_OK;
    count -= CODE;
    if (count > COMMENT_MAX)
        return ltd_fail(err, LTD_ETOOBIG, "the Exif comment of the picture has more than %d bytes",
                        COMMENT_MAX);
    text = malloc(3 * count + 1);
    bytes = calloc(count + 1, 1);
    if (!text || !bytes) {
        free(text);
        free(bytes);
        return ltd_fail(err, LTD_ENOMEM, "no memory for the texts of a picture");
    }
    memcpy(bytes, tiff + at + CODE, count);
    if (memcmp(tiff + at, "UNICODE\0", CODE) == 0)
        *put_utf16(text, (const uint8_t *)bytes, count / 2) = '\0';
    else
        *put_utf8(text, bytes) = '\0';
    free(bytes);
    *out = text;
    return LTD_OK;
}
