#include <latentd/image.h>

#include "check.h"

#include <stdlib.h>
#include <zlib.h>

/* A PNG file under construction: the signature, then what chunk() adds. */
static uint8_t file[3 * 1024 * 1024];
static size_t file_size;

static void begin(void)
{
    static const uint8_t start[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

    memcpy(file, start, sizeof start);
    file_size = sizeof start;
}

static void put32(uint8_t *at, size_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void chunk(const char *name, const void *data, size_t size)
{
    uint8_t *at = file + file_size;

    put32(at, size);
    memcpy(at + 4, name, 4);
    memcpy(at + 8, data, size);
    put32(at + 8 + size, crc32(0, at + 4, (uInt)(size + 4)));
    file_size += size + 12;
}

#define CHUNK(name, text) chunk(name, text, sizeof(text) - 1)

static enum ltd_status read_file(struct ltd_png_texts *texts)
{
    struct ltd_error error;

    return ltd_png_texts_read(file, file_size, texts, &error);
}

/* What reading the file comes to; there must be nothing to end. */
static enum ltd_status failure(void)
{
    struct ltd_png_texts texts = {0};
    const enum ltd_status st = read_file(&texts);

    CHECK(st == LTD_OK || !texts.items);
    ltd_png_texts_fini(&texts);
    return st;
}

TEST(what_was_written_is_read)
{
    const struct ltd_png_text texts[] = {
        {"parameters", "a cat\nSteps: 3"}, {"Title", "\xE2\x82\xAC 5"}, {"x", ""}};
    struct ltd_image *image = NULL;
    struct ltd_bytes png = {0};
    struct ltd_png_texts back = {0};

    REQUIRE(ltd_image_new(2, 2, &image, NULL) == LTD_OK);
    REQUIRE(ltd_png_encode(image, texts, COUNT(texts), &png, NULL) == LTD_OK);
    REQUIRE(ltd_png_texts_read(png.data, png.size, &back, NULL) == LTD_OK);
    REQUIRE(back.count == COUNT(texts));
    for (size_t i = 0; i < COUNT(texts); i++) {
        CHECK_STR(back.items[i].keyword, texts[i].keyword);
        CHECK_STR(back.items[i].text, texts[i].text);
    }
    ltd_png_texts_fini(&back);
    free(png.data);
    ltd_image_free(image);
}

TEST(all_three_kinds_are_read_behind_the_pixels_too)
{
    uint8_t packed[64] = "Comment\0";
    uLongf size = 50;
    struct ltd_png_texts texts = {0};

    REQUIRE(compress(packed + 9, &size, (const uint8_t *)"caf\xE9", 4) == Z_OK);
    begin();
    CHUNK("tEXt", "Author\0J\xFCrgen");
    CHUNK("IDAT", "whatever");
    chunk("zTXt", packed, 9 + size);
    CHUNK("iTXt", "Title\0\0\0de\0Titel\0\xE2\x82\xAC");
    memcpy(packed, "C\0\1\0\0\0", 6);
    size = 50;
    REQUIRE(compress(packed + 6, &size, (const uint8_t *)"\xE2\x82\xAC", 3) == Z_OK);
    chunk("iTXt", packed, 6 + size);
    CHUNK("IEND", "");
    CHUNK("tEXt", "behind\0the end");
    REQUIRE(read_file(&texts) == LTD_OK);
    REQUIRE(texts.count == 4);
    CHECK_STR(texts.items[0].text, "J\xC3\xBCrgen");
    CHECK_STR(texts.items[1].keyword, "Comment");
    CHECK_STR(texts.items[1].text, "caf\xC3\xA9");
    CHECK_STR(texts.items[2].text, "\xE2\x82\xAC");
    CHECK_STR(texts.items[3].text, "\xE2\x82\xAC");
    ltd_png_texts_fini(&texts);
}

TEST(what_is_cut_or_changed_is_refused)
{
    struct ltd_png_texts texts = {0};
    size_t whole;

    begin();
    CHUNK("tEXt", "Author\0somebody");
    CHUNK("IEND", "");
    whole = file_size;
    for (file_size = 0; file_size < whole; file_size++)
        CHECK_INT(failure(), LTD_EFORMAT);
    for (size_t at = 8; at < whole - 12; at++) {
        enum ltd_status st;

        file[at] ^= 0x20;
        st = read_file(&texts);
        /* A chunk of another name is not read: texts.count tells. */
        CHECK(st == LTD_EFORMAT || (st == LTD_OK && texts.count == 0));
        ltd_png_texts_fini(&texts);
        file[at] ^= 0x20;
    }
    CHECK_INT(failure(), LTD_OK);
}

TEST(texts_without_their_parts_are_refused)
{
    static const struct {
        const char *name, *data;
        size_t size;
    } cases[] = {
        {"tEXt", "", 0},
        {"tEXt", "\0text", 5},
        {"tEXt", "no zero", 7},
        {"zTXt", "key\0", 4},
        {"zTXt", "key\0\1abc", 8},
        {"zTXt", "key\0\0abc", 8},
        {"iTXt", "key\0\0", 5},
        {"iTXt", "key\0\0\0de", 8},
        {"iTXt", "key\0\0\0de\0", 9},
        {"iTXt", "key\0\1\1de\0x\0y", 12},
    };
    char key[100];

    for (size_t i = 0; i < COUNT(cases); i++) {
        begin();
        chunk(cases[i].name, cases[i].data, cases[i].size);
        CHUNK("IEND", "");
        CHECK_INT(failure(), LTD_EFORMAT);
    }
    memset(key, 'k', sizeof key);
    key[80] = '\0';
    begin();
    chunk("tEXt", key, 90);
    CHUNK("IEND", "");
    CHECK_INT(failure(), LTD_EFORMAT);
    file_size = 3;
    CHECK_INT(failure(), LTD_EFORMAT);
    memcpy(file, "\xFF\xD8\xFF\xE0 a photograph", 16);
    file_size = 16;
    CHECK_INT(failure(), LTD_EUNSUPPORTED);
}

TEST(there_are_limits)
{
    static uint8_t big[2 * 1024 * 1024], packed[8192] = "key\0";
    uLongf size = sizeof packed - 5;
    struct ltd_png_texts texts = {0};

    begin();
    for (int i = 0; i < 64; i++)
        CHUNK("tEXt", "k\0t");
    CHUNK("IEND", "");
    REQUIRE(read_file(&texts) == LTD_OK);
    CHECK_INT(texts.count, 64);
    ltd_png_texts_fini(&texts);
    file_size -= 12;
    CHUNK("tEXt", "k\0t");
    CHUNK("IEND", "");
    CHECK_INT(failure(), LTD_ETOOBIG);

    memset(big, 'b', sizeof big);
    REQUIRE(compress(packed + 5, &size, big, sizeof big) == Z_OK);
    begin();
    chunk("zTXt", packed, 5 + size);
    CHUNK("IEND", "");
    CHECK_INT(failure(), LTD_ETOOBIG);
    memcpy(big, "key", 4);
    begin();
    chunk("tEXt", big, sizeof big);
    CHUNK("IEND", "");
    CHECK_INT(failure(), LTD_ETOOBIG);
    begin();
    chunk("tEXt", big, 1024 * 1024 - 10);
    CHUNK("IEND", "");
    CHECK_INT(failure(), LTD_OK);
    /* Latin-1 takes two bytes. */
    memset(big + 4, 0xE9, sizeof big - 4);
    begin();
    chunk("tEXt", big, 600 * 1024);
    CHUNK("IEND", "");
    CHECK_INT(failure(), LTD_ETOOBIG);
}
