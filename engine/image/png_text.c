/*
 * png_text.c - the texts of an untrusted PNG file.
 *
 * The chunks are walked by hand: what is wanted of them may stand behind the pixels, which libpng would
 * inflate to get there.
 */
#include <latentd/image.h>

#include "image/image_format.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    SIGNATURE_SIZE = 8,
    CHUNK_FRAME = 12, /* length, name and checksum */
    KEYWORD_MAX = 79,
    TEXTS_MAX = 64
};

/* Of all texts together, as UTF-8, with their ends. */
static const size_t bytes_max = 1024 * 1024;

static const uint8_t signature[SIGNATURE_SIZE] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

struct bytes {
    const uint8_t *at, *end;
};

struct reader {
    struct ltd_png_texts texts;
    size_t room; /* bytes that may still be kept */
    struct ltd_error *err;
};

static uint32_t big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static enum ltd_status damaged(struct reader *r, const char *how)
{
    return ltd_fail(r->err, LTD_EFORMAT, "the PNG file is damaged: %s", how);
}

static enum ltd_status too_long(struct reader *r)
{
    return ltd_fail(r->err, LTD_ETOOBIG, "the texts of the PNG file have more than %zu bytes", bytes_max);
}

/* Takes what stands before the next zero byte, and that byte; false when there is none. */
static bool take_until_zero(struct bytes *from, struct bytes *out)
{
    const uint8_t *zero = memchr(from->at, 0, (size_t)(from->end - from->at));

    if (!zero)
        return false;
    *out = (struct bytes){from->at, zero};
    from->at = zero + 1;
    return true;
}

/* A copy that ends with a zero, and its bytes off r->room.  Latin-1 has every code below 256 in one byte. */
static enum ltd_status copy_text(struct reader *r, struct bytes text, bool latin1, const char **out)
{
    const size_t size = (size_t)(text.end - text.at);
    size_t used = 0, wanted = size + 1;
    char *copy;

    for (size_t i = 0; latin1 && i < size; i++)
        wanted += text.at[i] >= 0x80;
    if (wanted > r->room)
        return too_long(r);
    copy = malloc(wanted);
    if (!copy)
        return ltd_fail(r->err, LTD_ENOMEM, "no memory for the texts of a PNG file");
    for (size_t i = 0; i < size; i++) {
        const uint8_t c = text.at[i];

        if (latin1 && c >= 0x80)
            copy[used++] = (char)(0xC0 | c >> 6);
        copy[used++] = (char)(latin1 && c >= 0x80 ? 0x80 | (c & 0x3F) : c);
    }
    copy[used] = '\0';
    r->room -= wanted;
    *out = copy;
    return LTD_OK;
}

/* Inflates into a new buffer of at most r->room bytes. */
static enum ltd_status inflate_text(struct reader *r, struct bytes packed, uint8_t **out, size_t *size)
{
    z_stream stream = {.next_in = (uint8_t *)(uintptr_t)packed.at,
                       .avail_in = (uInt)(packed.end - packed.at)};
    uint8_t *buffer = malloc(r->room + 1);
    int ended;

    if (!buffer || inflateInit(&stream) != Z_OK) {
        free(buffer);
        return ltd_fail(r->err, LTD_ENOMEM, "no memory for the texts of a PNG file");
    }
    stream.next_out = buffer;
    stream.avail_out = (uInt)(r->room + 1);
    ended = inflate(&stream, Z_FINISH);
    *size = stream.total_out;
    inflateEnd(&stream);
    if (ended == Z_STREAM_END && *size <= r->room) {
        *out = buffer;
        return LTD_OK;
    }
    free(buffer);
    if (*size > r->room)
        return too_long(r);
    return damaged(r, "a text cannot be inflated");
}

/* Adds one text; the keyword is Latin-1 whatever the text is. */
static enum ltd_status add_text(struct reader *r, struct bytes keyword, struct bytes text, bool packed,
                                bool latin1)
{
    struct ltd_png_text *item = &r->texts.items[r->texts.count];
    uint8_t *inflated = NULL;
    size_t size = 0;
    enum ltd_status st = LTD_OK;

    if (packed) {
        st = inflate_text(r, text, &inflated, &size);
        if (st != LTD_OK)
            return st;
        text = (struct bytes){inflated, inflated + size};
    }
    st = copy_text(r, keyword, true, &item->keyword);
    if (st == LTD_OK) {
        r->texts.count++;
        st = copy_text(r, text, latin1, &item->text);
    }
    free(inflated);
    return st;
}

static enum ltd_status read_text(struct reader *r, const char *name, struct bytes data)
{
    const bool international = memcmp(name, "iTXt", 4) == 0;
    bool packed = memcmp(name, "zTXt", 4) == 0;
    struct bytes keyword, skipped;

    if (r->texts.count == TEXTS_MAX)
        return ltd_fail(r->err, LTD_ETOOBIG, "the PNG file has more than %d texts", TEXTS_MAX);
    if (!take_until_zero(&data, &keyword) || keyword.at == keyword.end ||
        keyword.end - keyword.at > KEYWORD_MAX)
        return damaged(r, "a text has no keyword");
    if (international) {
        if (data.end - data.at < 2)
            return damaged(r, "a text ends too early");
        packed = data.at[0] == 1;
        data.at++;
    }
    if (packed && (data.at == data.end || data.at[0] != 0))
        return damaged(r, "a text is packed in an unknown way");
    if (packed || international)
        data.at++;
    /* Its language, and the keyword in it. */
    if (international && (!take_until_zero(&data, &skipped) || !take_until_zero(&data, &skipped)))
        return damaged(r, "a text ends too early");
    return add_text(r, keyword, data, packed, !international);
}

static enum ltd_status read_chunks(struct reader *r, struct bytes file)
{
    enum ltd_status st = LTD_OK;

    while (st == LTD_OK) {
        const size_t left = (size_t)(file.end - file.at);
        const uint32_t length = left < CHUNK_FRAME ? 0 : big_endian(file.at);
        const char *name = (const char *)file.at + 4;

        if (left < CHUNK_FRAME || length > left - CHUNK_FRAME)
            return damaged(r, "it ends too early");
        if (memcmp(name, "IEND", 4) == 0)
            return LTD_OK;
        if (memcmp(name, "tEXt", 4) == 0 || memcmp(name, "zTXt", 4) == 0 || memcmp(name, "iTXt", 4) == 0) {
            const struct bytes data = {file.at + 8, file.at + 8 + length};

            if (crc32(0, file.at + 4, length + 4) != big_endian(data.end))
                return damaged(r, "the checksum of a text is wrong");
            st = read_text(r, name, data);
        }
        file.at += CHUNK_FRAME + length;
    }
    return st;
}

enum ltd_status ltd_png_texts_read(const void *data, size_t size, struct ltd_png_texts *out,
                                   struct ltd_error *err)
{
    struct reader r = {.room = bytes_max, .err = err};
    const char *other = image_format_other(data, size);
    enum ltd_status st;

    if (other)
        return ltd_fail(err, LTD_EUNSUPPORTED, "this is a %s file; settings are read from PNG pictures alone",
                        other);
    if (size < SIGNATURE_SIZE || memcmp(data, signature, SIGNATURE_SIZE) != 0)
        return ltd_fail(err, LTD_EFORMAT, "this is not a PNG file");
    r.texts.items = calloc(TEXTS_MAX, sizeof *r.texts.items);
    if (!r.texts.items)
        return ltd_fail(err, LTD_ENOMEM, "no memory for the texts of a PNG file");
    st =
        read_chunks(&r, (struct bytes){(const uint8_t *)data + SIGNATURE_SIZE, (const uint8_t *)data + size});
    if (st == LTD_OK)
        *out = r.texts;
    else
        ltd_png_texts_fini(&r.texts);
    return st;
}

void ltd_png_texts_fini(struct ltd_png_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++) {
        free((char *)(uintptr_t)texts->items[i].keyword);
        free((char *)(uintptr_t)texts->items[i].text);
    }
    free(texts->items);
    *texts = (struct ltd_png_texts){0};
}
