#include <latentd/image.h>

#include "picture_fixture.h"

static void check_golden(const char *name)
{
    char file[80];
    size_t size, want_size;
    uint8_t *data, *want;
    struct ltd_image *image = NULL;
    struct ltd_error err = {0};

    snprintf(file, sizeof file, "%s.png", name);
    data = fixture_read(file, &size);
    snprintf(file, sizeof file, "%s.rgb", name);
    want = fixture_read(file, &want_size);
    REQUIRE(data && want);
    if (ltd_png_decode(data, size, 1000, &image, &err) != LTD_OK)
        check_failed(__FILE__, __LINE__, "%s: %s", name, err.message);
    else if ((size_t)(image->width * image->height * 3) != want_size ||
             memcmp(image->pixels, want, want_size) != 0)
        check_failed(__FILE__, __LINE__, "%s: other pixels", name);
    ltd_image_free(image);
    free(data);
    free(want);
}

TEST(every_colour_type_and_depth_gives_its_pixels)
{
    static const char *const names[] = {"gray1",    "gray2",       "gray4",        "gray8",    "gray16",
                                        "rgb8",     "rgb16",       "palette1",     "palette2", "palette4",
                                        "palette8", "gray_alpha8", "gray_alpha16", "rgba8",    "rgba16"};

    for (size_t i = 0; i < COUNT(names); i++) {
        char interlaced[40];

        check_golden(names[i]);
        snprintf(interlaced, sizeof interlaced, "%s_adam7", names[i]);
        check_golden(interlaced);
    }
}

TEST(transparent_colours_become_white)
{
    check_golden("gray2_trns");
    check_golden("gray16_trns");
    check_golden("rgb8_trns");
    check_golden("rgb16_trns");
    check_golden("palette4_trns");
}

TEST(ancillary_chunks_are_passed_over)
{
    check_golden("ancillary");
}

TEST(odd_shapes_and_split_data_are_read)
{
    check_golden("many_idat");
    check_golden("one_pixel");
    check_golden("one_column");
}

/* Reads the two_kib fixture, and a picture of it. */
static uint8_t *two_kib(size_t *size, struct ltd_image **image)
{
    uint8_t *data = fixture_read("two_kib.png", size);

    if (data && ltd_png_decode(data, *size, 1000, image, NULL) != LTD_OK)
        check_failed(__FILE__, __LINE__, "two_kib.png was refused");
    return data;
}

TEST(a_file_cut_at_any_byte_is_refused)
{
    struct ltd_image *image = NULL, *none = NULL;
    size_t size;
    uint8_t *data = two_kib(&size, &image);

    REQUIRE(data && size > 1900);
    for (size_t cut = 0; cut < size; cut++) {
        /* In a block of its own, so that a sanitizer sees a read beyond the end. */
        uint8_t *copy = malloc(cut + (cut == 0));
        struct ltd_error err;

        REQUIRE(copy);
        memcpy(copy, data, cut);
        if (ltd_png_decode(copy, cut, 1000, &none, &err) != LTD_EFORMAT)
            check_failed(__FILE__, __LINE__, "cut at byte %zu it was taken", cut);
        free(copy);
    }
    CHECK(!none);
    ltd_image_free(image);
    free(data);
}

TEST(a_file_with_any_byte_changed_is_refused)
{
    static const uint8_t flips[] = {0x01, 0x20, 0x80, 0xFF};
    struct ltd_image *image = NULL, *none = NULL;
    size_t size;
    uint8_t *data = two_kib(&size, &image);

    REQUIRE(data);
    for (size_t at = 0; at < size; at++)
        for (size_t i = 0; i < COUNT(flips); i++) {
            struct ltd_error err;

            data[at] ^= flips[i];
            if (ltd_png_decode(data, size, 1000, &none, &err) == LTD_OK) {
                check_failed(__FILE__, __LINE__, "with byte %zu changed by %#x it was taken", at, flips[i]);
                ltd_image_free(none);
                none = NULL;
            }
            data[at] ^= flips[i];
        }
    ltd_image_free(image);
    free(data);
}

TEST(bytes_after_the_end_are_refused)
{
    struct ltd_image *image = NULL, *none = NULL;
    struct ltd_error err;
    size_t size;
    uint8_t *data = two_kib(&size, &image);

    REQUIRE(data);
    memcpy(data + size, "PK\3\4", 4);
    CHECK_INT(ltd_png_decode(data, size + 4, 1000, &none, &err), LTD_EFORMAT);
    CHECK_STR(err.message, "the PNG file is damaged: there are bytes after its end");
    ltd_image_free(image);
    free(data);
}

/* A PNG file that is built chunk by chunk. */
struct builder {
    uint8_t data[1 << 18];
    size_t size;
};

static void put32(uint8_t *at, uint32_t number)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(number >> (24 - 8 * i));
}

static uint32_t crc_of(const uint8_t *data, size_t size)
{
    uint32_t crc = 0xFFFFFFFF;

    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
    }
    return ~crc;
}

static void add_chunk(struct builder *b, const char *name, const void *data, size_t size)
{
    uint8_t *at = b->data + b->size;

    put32(at, (uint32_t)size);
    memcpy(at + 4, name, 4);
    if (size > 0)
        memcpy(at + 8, data, size);
    put32(at + 8 + size, crc_of(at + 4, size + 4));
    b->size += size + 12;
}

static void begin(struct builder *b, uint32_t width, uint32_t height, uint8_t depth, uint8_t colour)
{
    uint8_t header[13] = {0};

    memcpy(b->data, "\x89PNG\r\n\x1a\n", 8);
    b->size = 8;
    put32(header, width);
    put32(header + 4, height);
    header[8] = depth;
    header[9] = colour;
    add_chunk(b, "IHDR", header, sizeof header);
}

/* Adds raw filtered rows in one stored block of a zlib stream, whose checksum is changed by `spoil`; the
 * block is the last one when last is 1. */
static void add_stored(struct builder *b, const uint8_t *raw, size_t size, uint8_t last, uint32_t spoil)
{
    uint8_t stream[256] = {0x78, 0x01, last, (uint8_t)size, 0, (uint8_t)~size, 0xFF};
    uint32_t low = 1, high = 0;

    for (size_t i = 0; i < size; i++) {
        stream[7 + i] = raw[i];
        low = (low + raw[i]) % 65521;
        high = (high + low) % 65521;
    }
    put32(stream + 7 + size, (high << 16 | low) ^ spoil);
    add_chunk(b, "IDAT", stream, last ? size + 11 : size + 7);
}

/* The same as all of the pixels, and the end. */
static void add_pixels(struct builder *b, const uint8_t *raw, size_t size, uint32_t spoil)
{
    add_stored(b, raw, size, 1, spoil);
    add_chunk(b, "IEND", NULL, 0);
}

static enum ltd_status decode(const struct builder *b, struct ltd_error *err)
{
    struct ltd_image *image = NULL;
    const enum ltd_status status = ltd_png_decode(b->data, b->size, SIZE_MAX, &image, err);

    ltd_image_free(image);
    return status;
}

TEST(too_little_or_too_much_pixel_data_is_refused)
{
    static const uint8_t raw[64] = {0};
    struct builder b;

    begin(&b, 4, 4, 8, 0);
    add_pixels(&b, raw, 20, 0);
    CHECK_INT(decode(&b, NULL), LTD_OK);
    begin(&b, 4, 4, 8, 0);
    add_pixels(&b, raw, 19, 0);
    CHECK_INT(decode(&b, NULL), LTD_EFORMAT);
    begin(&b, 4, 4, 8, 0);
    add_pixels(&b, raw, 21, 0);
    CHECK_INT(decode(&b, NULL), LTD_EFORMAT);
    begin(&b, 4, 4, 8, 0);
    add_pixels(&b, raw, 20, 1);
    CHECK_INT(decode(&b, NULL), LTD_EFORMAT);
}

/* The data after the last row would inflate to 1032 times its size, were it read. */
TEST(image_data_far_beyond_the_last_row_is_not_read)
{
    static const uint8_t raw[2] = {0};
    static uint8_t more[200000];
    struct ltd_error err;
    struct builder b;

    begin(&b, 1, 1, 8, 0);
    add_stored(&b, raw, sizeof raw, 0, 0);
    add_chunk(&b, "IDAT", more, sizeof more);
    add_chunk(&b, "IEND", NULL, 0);
    CHECK_INT(decode(&b, &err), LTD_EFORMAT);
    CHECK_STR(err.message, "the PNG file is damaged: too much image data");
}

TEST(a_palette_index_beyond_the_palette_is_black)
{
    static const uint8_t raw[] = {0, 0, 1, 2}, palette[] = {1, 2, 3, 4, 5, 6};
    static const uint8_t want[] = {1, 2, 3, 4, 5, 6, 0, 0, 0};
    struct ltd_image *image = NULL;
    struct builder b;

    begin(&b, 3, 1, 8, 3);
    add_chunk(&b, "PLTE", palette, sizeof palette);
    add_pixels(&b, raw, sizeof raw, 0);
    REQUIRE(ltd_png_decode(b.data, b.size, 3, &image, NULL) == LTD_OK);
    CHECK(memcmp(image->pixels, want, sizeof want) == 0);
    ltd_image_free(image);
}

TEST(a_palette_picture_without_a_palette_is_refused)
{
    static const uint8_t raw[] = {0, 0, 1, 2};
    struct builder b;

    begin(&b, 3, 1, 8, 3);
    add_pixels(&b, raw, sizeof raw, 0);
    CHECK_INT(decode(&b, NULL), LTD_EFORMAT);
}

TEST(a_header_that_promises_too_much_is_refused)
{
    static const uint8_t raw[64] = {0};
    static const struct {
        uint32_t width, height;
        enum ltd_status want;
    } rows[] = {
        {65535, 65535, LTD_EFORMAT}, /* no file this short can hold it */
        {65536, 1, LTD_ETOOBIG},     {0x7FFFFFFF, 1, LTD_ETOOBIG}, {0xFFFFFFFF, 0xFFFFFFFF, LTD_ETOOBIG},
        {0, 1, LTD_EFORMAT},         {1, 0, LTD_EFORMAT}};
    struct ltd_image *none = NULL;
    struct ltd_error err;
    struct builder b;

    for (size_t i = 0; i < COUNT(rows); i++) {
        begin(&b, rows[i].width, rows[i].height, 8, 2);
        add_pixels(&b, raw, sizeof raw, 0);
        CHECK_INT(decode(&b, &err), rows[i].want);
        if (i == 0)
            CHECK_STR(err.message, "the PNG file is too short for 65535 x 65535 pixels");
    }
    begin(&b, 11, 10, 8, 0);
    add_pixels(&b, raw, sizeof raw, 0);
    CHECK_INT(ltd_png_decode(b.data, b.size, 109, &none, &err), LTD_ETOOBIG);
    CHECK_STR(err.message, "the picture has 11 x 10 pixels; at most 109 are taken");
}

TEST(a_colour_type_or_depth_that_does_not_exist_is_refused)
{
    static const uint8_t raw[64] = {0};
    static const uint8_t pairs[][2] = {{8, 1},  {8, 5}, {8, 7},  {3, 0},  {4, 2},
                                       {16, 3}, {0, 0}, {32, 6}, {255, 2}};
    struct builder b;

    for (size_t i = 0; i < COUNT(pairs); i++) {
        begin(&b, 1, 1, pairs[i][0], pairs[i][1]);
        add_pixels(&b, raw, sizeof raw, 0);
        CHECK_INT(decode(&b, NULL), LTD_EFORMAT);
    }
}

TEST(thousands_of_small_chunks_are_passed_over)
{
    static const uint8_t raw[] = {0, 1, 2, 3};
    struct builder b;

    begin(&b, 3, 1, 8, 0);
    for (int i = 0; i < 4000; i++)
        add_chunk(&b, "tEXt", "k", 2);
    add_pixels(&b, raw, sizeof raw, 0);
    CHECK_INT(decode(&b, NULL), LTD_OK);
}

TEST(other_formats_are_named)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *name;
    } rows[] = {
        {"\xFF\xD8\xFF\xE0", 4, "JPEG"},
        {"GIF89a", 6, "GIF"},
        {"RIFF\1\2\3\4WEBPVP8 ", 16, "WebP"},
        {"<svg xmlns=\"x\"/>", 16, "SVG"},
        {"\xEF\xBB\xBF \n<?xml version=\"1.0\"?>", 26, "SVG"},
        {"<!doctype HTML><p>", 18, "HTML"},
        {"BM\1\2", 4, "BMP"},
        {"\0\0\0\x20"
         "ftypavif",
         12, "AVIF"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ltd_image *none = NULL;
        struct ltd_error err = {0};
        char want[80];

        CHECK_INT(ltd_png_decode(rows[i].bytes, rows[i].size, 1000, &none, &err), LTD_EUNSUPPORTED);
        snprintf(want, sizeof want, "this is a %s file, not a PNG", rows[i].name);
        CHECK_STR(err.message, want);
    }
}

TEST(bytes_of_no_format_are_refused)
{
    struct ltd_image *none = NULL;

    CHECK_INT(ltd_png_decode("", 0, 1000, &none, NULL), LTD_EFORMAT);
    CHECK_INT(ltd_png_decode("   ", 3, 1000, &none, NULL), LTD_EFORMAT);
    CHECK_INT(ltd_png_decode("hello", 5, 1000, &none, NULL), LTD_EFORMAT);
    CHECK_INT(ltd_png_decode("\0\0\0\0\0\0\0\0\0", 9, 1000, &none, NULL), LTD_EFORMAT);
}
