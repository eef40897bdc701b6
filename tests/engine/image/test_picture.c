/* test_picture.c - pictures written as PNG, JPEG and WebP, and the settings in them. */
#include <latentd/image.h>

#include "image/exif.h"
#include "picture_fixture.h"

enum { WIDTH = 33, HEIGHT = 18, MAX_PIXELS = 4096 };

static struct ltd_image *new_picture(void)
{
    struct ltd_image *image = NULL;

    if (ltd_image_new(WIDTH, HEIGHT, &image, NULL) != LTD_OK)
        return NULL;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            uint8_t *p = image->pixels + (y * WIDTH + x) * 3;

            p[0] = (uint8_t)(7 * x);
            p[1] = (uint8_t)(13 * y);
            p[2] = (uint8_t)(128 + 3 * x - 5 * y);
        }
    return image;
}

static int largest_difference(const struct ltd_image *a, const struct ltd_image *b)
{
    int largest = 0;

    for (size_t i = 0; i < WIDTH * HEIGHT * 3; i++)
        if (abs(a->pixels[i] - b->pixels[i]) > largest)
            largest = abs(a->pixels[i] - b->pixels[i]);
    return largest;
}

static const struct ltd_picture_form forms[] = {{LTD_PICTURE_PNG, 0, false},
                                                {LTD_PICTURE_JPEG, 100, false},
                                                {LTD_PICTURE_WEBP, 100, false},
                                                {LTD_PICTURE_WEBP, 90, true}};

TEST(every_format_is_read_back_as_it_was_drawn)
{
    static const int levels[COUNT(forms)] = {0, 40, 40, 0}; /* two of them halve their colours */
    static const char written[] = "a caf\xC3\xA9, \xE2\x82\xAC, \xF0\x9F\x90\x85\nSteps: 3",
                      kept[] = "{\"version\":\"1\"}";
    struct ltd_image *image = new_picture();

    REQUIRE(image);
    for (size_t i = 0; i < COUNT(forms); i++)
        for (int with_text = 0; with_text < 2; with_text++) {
            const char *text = with_text ? written : NULL, *record = with_text ? kept : NULL;
            const bool keeps = record && forms[i].format == LTD_PICTURE_PNG;
            struct ltd_bytes bytes = {0}, again = {0};
            struct ltd_image *read = NULL;
            struct ltd_png_texts texts = {0};
            struct ltd_error err = {0};
            int width = 0, height = 0;

            CHECK_INT(ltd_picture_encode(image, &forms[i], text, record, &bytes, &err), LTD_OK);
            CHECK_INT(ltd_picture_encode(image, &forms[i], text, record, &again, &err), LTD_OK);
            REQUIRE(bytes.data && again.data);
            CHECK(bytes.size == again.size && memcmp(bytes.data, again.data, bytes.size) == 0);
            CHECK_INT(ltd_image_decode(bytes.data, bytes.size, MAX_PIXELS, &read, &err), LTD_OK);
            REQUIRE(read);
            CHECK_INT(read->width, WIDTH);
            CHECK_INT(read->height, HEIGHT);
            CHECK(largest_difference(image, read) <= levels[i]);
            CHECK_INT(ltd_picture_texts_read(bytes.data, bytes.size, &width, &height, &texts, &err), LTD_OK);
            CHECK_INT(width, WIDTH);
            CHECK_INT(height, HEIGHT);
            CHECK_INT(texts.count, (size_t)with_text + keeps);
            if (texts.count > 0) {
                CHECK_STR(texts.items[0].keyword, "parameters");
                CHECK_STR(texts.items[0].text, text);
            }
            if (texts.count > 1) {
                CHECK_STR(texts.items[1].keyword, "latentd");
                CHECK_STR(texts.items[1].text, record);
            }
            ltd_png_texts_fini(&texts);
            ltd_image_free(read);
            free(bytes.data);
            free(again.data);
        }
    ltd_image_free(image);
}

TEST(less_quality_is_fewer_bytes)
{
    struct ltd_image *image = new_picture();

    REQUIRE(image);
    for (int format = LTD_PICTURE_JPEG; format <= LTD_PICTURE_WEBP; format++) {
        size_t before = 0;

        for (int quality = 0; quality <= 100; quality += 50) {
            const struct ltd_picture_form form = {(enum ltd_picture_format)format, quality, false};
            struct ltd_bytes bytes = {0};

            CHECK_INT(ltd_picture_encode(image, &form, NULL, NULL, &bytes, NULL), LTD_OK);
            CHECK(bytes.size > before);
            before = bytes.size;
            free(bytes.data);
        }
    }
    ltd_image_free(image);
}

/* As piexif and AUTOMATIC1111 lay it out, byte for byte. */
TEST(settings_stand_in_a_big_endian_user_comment)
{
    static const uint8_t want[] = "MM\0*\0\0\0\x08"
                                  "\0\x01\x87\x69\0\x04\0\0\0\x01\0\0\0\x1A\0\0\0\0"
                                  "\0\x01\x92\x86\0\x07\0\0\0\x0E\0\0\0\x2C\0\0\0\0"
                                  "UNICODE\0\0a\x20\xAC\0b";
    uint8_t got[sizeof want - 1];

    CHECK_INT(exif_size("a\xE2\x82\xAC"
                        "b"),
              sizeof got);
    exif_write("a\xE2\x82\xAC"
               "b",
               got);
    CHECK(memcmp(got, want, sizeof got) == 0);
}

/* A block whose comment is these bytes, in either byte order; returns its size. */
static size_t put_block(uint8_t *out, bool little, const void *comment, size_t size)
{
    static const uint8_t big[] = "MM\0*\0\0\0\x08"
                                 "\0\x01\x87\x69\0\x04\0\0\0\x01\0\0\0\x1A\0\0\0\0"
                                 "\0\x01\x92\x86\0\x07\0\0\0\0\0\0\0\x2C\0\0\0\0",
                         small[] = "II*\0\x08\0\0\0"
                                   "\x01\0\x69\x87\x04\0\x01\0\0\0\x1A\0\0\0\0\0\0\0"
                                   "\x01\0\x86\x92\x07\0\0\0\0\0\x2C\0\0\0\0\0\0\0";

    memcpy(out, little ? small : big, sizeof big - 1);
    out[little ? 32 : 35] = (uint8_t)size;
    memcpy(out + sizeof big - 1, comment, size);
    return sizeof big - 1 + size;
}

static void check_comment(bool little, const void *comment, size_t size, const char *want)
{
    uint8_t block[128];
    char *text = NULL;
    const size_t bytes = put_block(block, little, comment, size);

    CHECK_INT(exif_comment(block, bytes, &text, NULL), LTD_OK);
    CHECK_STR(text ? text : "none", want);
    free(text);
}

#define COMMENT(little, comment, want) check_comment(little, comment, sizeof(comment) - 1, want)

TEST(comments_of_other_programs_are_read)
{
    COMMENT(true, "UNICODE\0\0a\0b", "ab");                      /* piexif's, whatever the block's order */
    COMMENT(true, "UNICODE\0a\0b\0", "ab");                      /* in the block's order */
    COMMENT(false, "UNICODE\0\xFF\xFE\xAC\x20", "\xE2\x82\xAC"); /* by its mark */
    COMMENT(false, "UNICODE\0\0a\xD8\x00\0b",
            "a\xEF\xBF\xBD"
            "b");
    COMMENT(false, "ASCII\0\0\0plain", "plain");
    COMMENT(false, "\0\0\0\0\0\0\0\0caf\xC3\xA9\xFF", "caf\xC3\xA9\xEF\xBF\xBD");
    COMMENT(false, "UNICODE\0\0a\0\0\0b", "a");
    COMMENT(false, "UNICODE\0", "");
    COMMENT(false, "short", "none");
}

TEST(any_byte_of_a_block_may_be_wrong_or_missing)
{
    uint8_t block[128];
    const size_t size = put_block(block, false, "UNICODE\0\0a\0b", 12);

    for (size_t i = 0; i < size; i++)
        for (int value = 0; value < 256; value += 15)
            for (size_t cut = 0; cut <= size; cut += 7) {
                const uint8_t before = block[i];
                uint8_t *copy = malloc(size - cut + (cut == size)); /* so that a sanitizer sees beyond it */
                char *text = NULL;

                REQUIRE(copy);
                block[i] = (uint8_t)value;
                memcpy(copy, block, size - cut);
                CHECK_INT(exif_comment(copy, size - cut, &text, NULL), LTD_OK);
                CHECK(exif_orientation(copy, size - cut) >= 1);
                free(text);
                free(copy);
                block[i] = before;
            }
}

TEST(a_file_may_be_cut_or_wrong_anywhere)
{
    struct ltd_image *image = new_picture();

    REQUIRE(image);
    for (size_t i = 0; i < COUNT(forms); i++) {
        struct ltd_bytes bytes = {0};

        CHECK_INT(ltd_picture_encode(image, &forms[i], "a\nSteps: 3", NULL, &bytes, NULL), LTD_OK);
        REQUIRE(bytes.data);
        for (size_t at = 0; at < bytes.size; at++)
            for (int cut = 0; cut < 2; cut++) {
                const size_t size = cut ? at : bytes.size;
                struct ltd_png_texts texts = {0};
                uint8_t *copy = malloc(size + (size == 0));
                int width, height;

                REQUIRE(copy);
                memcpy(copy, bytes.data, size);
                if (!cut)
                    copy[at] ^= 0xFF;
                if (ltd_picture_texts_read(copy, size, &width, &height, &texts, NULL) == LTD_OK)
                    CHECK(width > 0 && height > 0);
                else
                    CHECK(!texts.items);
                ltd_png_texts_fini(&texts);
                free(copy);
            }
        free(bytes.data);
    }
    ltd_image_free(image);
}

TEST(what_does_not_fit_is_refused_before_it_is_drawn)
{
    static char text[40000];
    struct ltd_error err = {0};

    memset(text, 'x', sizeof text - 1);
    CHECK_INT(ltd_picture_check(LTD_PICTURE_JPEG, 8, 8, text, &err), LTD_ETOOBIG);
    CHECK(strstr(err.message, "room for 32737 characters"));
    text[32737] = '\0';
    CHECK_INT(ltd_picture_check(LTD_PICTURE_JPEG, 8, 8, text, &err), LTD_OK);
    CHECK_INT(ltd_picture_check(LTD_PICTURE_JPEG, 8, 65501, NULL, &err), LTD_ETOOBIG);
    CHECK_INT(ltd_picture_check(LTD_PICTURE_WEBP, 16384, 8, NULL, &err), LTD_ETOOBIG);
    CHECK_INT(ltd_picture_check(LTD_PICTURE_WEBP, 16383, 8, text, &err), LTD_OK);
    CHECK_INT(ltd_picture_check(LTD_PICTURE_PNG, 65535, 8, text, &err), LTD_OK);
}

TEST(a_png_that_does_not_begin_with_its_size_is_refused)
{
    static const uint8_t end[] = "\x89PNG\r\n\x1A\n\0\0\0\0IEND\xAE\x42\x60\x82";
    struct ltd_png_texts texts = {0};
    int width, height;

    CHECK_INT(ltd_picture_texts_read(end, sizeof end - 1, &width, &height, &texts, NULL), LTD_EFORMAT);
    CHECK(!texts.items);
}

/* turbojpeg takes it for the tables of another file. */
TEST(a_jpeg_that_ends_before_its_picture_is_refused)
{
    static const uint8_t begin[] = "\xff\xd8\xff\xe0\xff\xd8\xff\xe0\xff\xd8\xff\xe0";
    struct ltd_png_texts texts = {0};
    struct ltd_image *image = NULL;
    struct ltd_error err;
    int width, height;

    CHECK_INT(ltd_picture_texts_read(begin, sizeof begin - 1, &width, &height, &texts, &err), LTD_EFORMAT);
    CHECK(strstr(err.message, "damaged") && !texts.items);
    CHECK_INT(ltd_image_decode(begin, sizeof begin - 1, 1 << 20, &image, &err), LTD_EFORMAT);
    CHECK(strstr(err.message, "damaged") && !image);
}

TEST(formats_are_found_by_name)
{
    CHECK_INT(ltd_picture_format_find("png"), LTD_PICTURE_PNG);
    CHECK_INT(ltd_picture_format_find("jpeg"), LTD_PICTURE_JPEG);
    CHECK_INT(ltd_picture_format_find("jpg"), LTD_PICTURE_JPEG);
    CHECK_INT(ltd_picture_format_find("webp"), LTD_PICTURE_WEBP);
    CHECK_INT(ltd_picture_format_find("gif"), -1);
    CHECK_STR(ltd_picture_format_media(LTD_PICTURE_JPEG), "image/jpeg");
}
