#include <latentd/image.h>

#include "check.h"

#include <stdlib.h>

static struct ltd_image *new_noise(int width, int height, uint32_t seed)
{
    struct ltd_image *image = NULL;

    if (ltd_image_new(width, height, &image, NULL) != LTD_OK)
        return NULL;
    for (size_t i = 0; i < (size_t)width * (size_t)height * 3; i++) {
        seed = seed * 1664525u + 1013904223u;
        image->pixels[i] = (uint8_t)(seed >> 24);
    }
    return image;
}

static bool same(const struct ltd_image *a, const struct ltd_image *b)
{
    return a->width == b->width && a->height == b->height &&
           memcmp(a->pixels, b->pixels, (size_t)a->width * (size_t)a->height * 3) == 0;
}

static void check_round_trip(int width, int height)
{
    struct ltd_image *image = new_noise(width, height, 7), *back = NULL;
    struct ltd_bytes bytes = {0}, again = {0};

    REQUIRE(image);
    REQUIRE(ltd_png_encode(image, NULL, 0, &bytes, NULL) == LTD_OK);
    REQUIRE(ltd_png_decode(bytes.data, bytes.size, SIZE_MAX, &back, NULL) == LTD_OK);
    CHECK(same(image, back));
    REQUIRE(ltd_png_encode(back, NULL, 0, &again, NULL) == LTD_OK);
    CHECK(again.size == bytes.size && memcmp(again.data, bytes.data, bytes.size) == 0);
    free(bytes.data);
    free(again.data);
    ltd_image_free(image);
    ltd_image_free(back);
}

TEST(pixels_survive_and_equal_pictures_give_equal_bytes)
{
    check_round_trip(1, 1);
    check_round_trip(64, 64);
    check_round_trip(513, 7);
    check_round_trip(1, 300);
    check_round_trip(20000, 1);
    check_round_trip(400, 400);
}

/* The data of the chunk that is named so, where its keyword is key; NULL when there is none. */
static const uint8_t *find_chunk(const struct ltd_bytes *png, const char *name, const char *key, size_t *size)
{
    for (size_t at = 8; at + 12 <= png->size;) {
        const uint8_t *p = png->data + at;
        const size_t length = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];

        if (memcmp(p + 4, name, 4) == 0 && (!key || strcmp((const char *)p + 8, key) == 0)) {
            *size = length;
            return p + 8;
        }
        at += length + 12;
    }
    return NULL;
}

TEST(texts_stand_before_the_pixels_and_read_back)
{
    static const char ascii[] = "a cat\nSteps: 20", utf8[] = "eine Br\xC3\xBC"
                                                             "cke \xE2\x9C\xA8";
    const struct ltd_png_text texts[] = {{"parameters", ascii}, {"Title", utf8}, {"empty", ""}};
    struct ltd_image *image = new_noise(5, 4, 3);
    struct ltd_bytes bytes = {0};
    const uint8_t *chunk, *pixels;
    size_t size;

    REQUIRE(image);
    REQUIRE(ltd_png_encode(image, texts, COUNT(texts), &bytes, NULL) == LTD_OK);
    pixels = find_chunk(&bytes, "IDAT", NULL, &size);
    chunk = find_chunk(&bytes, "tEXt", "parameters", &size);
    REQUIRE(chunk && chunk < pixels);
    CHECK_INT(size, strlen("parameters") + 1 + strlen(ascii));
    CHECK(memcmp(chunk + 11, ascii, strlen(ascii)) == 0);
    /* iTXt: keyword, 0, not compressed, method 0, language "", translated keyword "", text. */
    chunk = find_chunk(&bytes, "iTXt", "Title", &size);
    REQUIRE(chunk && chunk < pixels);
    CHECK_INT(size, strlen("Title") + 5 + strlen(utf8));
    CHECK(memcmp(chunk, "Title\0\0\0\0", 10) == 0);
    CHECK(memcmp(chunk + 10, utf8, strlen(utf8)) == 0);
    CHECK(find_chunk(&bytes, "tEXt", "empty", &size) && size == 6);
    CHECK(!find_chunk(&bytes, "tIME", NULL, &size));
    free(bytes.data);
    ltd_image_free(image);
}

TEST(a_long_text_is_written_whole)
{
    enum { LENGTH = 1 << 20 };
    char *text = malloc(LENGTH + 1);
    struct ltd_image *image = new_noise(2, 2, 3);
    struct ltd_bytes bytes = {0};
    size_t size;

    REQUIRE(text && image);
    memset(text, 'x', LENGTH);
    text[LENGTH] = '\0';
    REQUIRE(ltd_png_encode(image, &(struct ltd_png_text){"prompt", text}, 1, &bytes, NULL) == LTD_OK);
    CHECK(find_chunk(&bytes, "tEXt", "prompt", &size) && size == LENGTH + 7);
    free(bytes.data);
    free(text);
    ltd_image_free(image);
}

TEST(a_bad_keyword_is_refused)
{
    static const char *const keys[] = {
        "",
        " a",
        "a ",
        "a  b",
        "a\nb",
        "\xA0z",
        "01234567890123456789012345678901234567890123456789012345678901234567890123456789"};
    struct ltd_image *image = new_noise(2, 2, 3);
    struct ltd_bytes bytes = {0};
    struct ltd_error err;

    REQUIRE(image);
    for (size_t i = 0; i < COUNT(keys); i++)
        CHECK_INT(ltd_png_encode(image, &(struct ltd_png_text){keys[i], "x"}, 1, &bytes, &err), LTD_EINVAL);
    CHECK(!bytes.data);
    ltd_image_free(image);
}
