/* test_image_decode.c - pictures of all formats that are read, as PIL reads them. */
#include <latentd/image.h>

#include "picture_fixture.h"

/* Two builds of a JPEG decoder may round differently, in the inverse transform and again in the colours. */
enum { MAX_PIXELS = 1000, JPEG_LEVELS = 2 };

static int largest_difference(const uint8_t *a, const uint8_t *b, size_t n)
{
    int largest = 0;

    for (size_t i = 0; i < n; i++)
        if (abs(a[i] - b[i]) > largest)
            largest = abs(a[i] - b[i]);
    return largest;
}

static void check_picture(const char *file, int levels)
{
    char pixels[80];
    size_t size, want_size;
    uint8_t *data, *want;
    struct ltd_image *image = NULL;
    struct ltd_error err = {0};

    snprintf(pixels, sizeof pixels, "%s.rgb", file);
    data = fixture_read(file, &size);
    want = fixture_read(pixels, &want_size);
    REQUIRE(data && want);
    if (ltd_image_decode(data, size, MAX_PIXELS, &image, &err) != LTD_OK)
        check_failed(__FILE__, __LINE__, "%s: %s", file, err.message);
    else if ((size_t)(image->width * image->height * 3) != want_size ||
             largest_difference(image->pixels, want, want_size) > levels)
        check_failed(__FILE__, __LINE__, "%s: other pixels", file);
    ltd_image_free(image);
    free(data);
    free(want);
}

TEST(jpeg_files_give_their_pixels)
{
    check_picture("baseline.jpg", JPEG_LEVELS);
    check_picture("progressive.jpg", JPEG_LEVELS);
    check_picture("gray.jpg", JPEG_LEVELS);
}

TEST(a_photograph_is_turned_as_its_camera_was_held)
{
    char file[40];

    for (int orientation = 1; orientation <= 8; orientation++) {
        snprintf(file, sizeof file, "turned%d.jpg", orientation);
        check_picture(file, JPEG_LEVELS);
    }
}

TEST(webp_files_give_their_pixels)
{
    check_picture("lossless.webp", 0);
    check_picture("lossy.webp", 1);
    check_picture("alpha.webp", 1);
}

static void check_refused(const char *file, size_t most, enum ltd_status status, const char *said)
{
    struct ltd_image *none = NULL;
    struct ltd_error err = {0};
    size_t size;
    uint8_t *data = fixture_read(file, &size);

    REQUIRE(data);
    CHECK_INT(ltd_image_decode(data, size, most, &none, &err), status);
    if (!strstr(err.message, said))
        check_failed(__FILE__, __LINE__, "%s: '%s' does not say '%s'", file, err.message, said);
    CHECK(!none);
    free(data);
}

TEST(what_cannot_be_read_is_refused_by_name)
{
    check_refused("cmyk.jpg", MAX_PIXELS, LTD_EUNSUPPORTED, "convert it to RGB");
    check_refused("moving.webp", MAX_PIXELS, LTD_EUNSUPPORTED, "animation");
    check_refused("baseline.jpg", 961, LTD_ETOOBIG, "37 x 26 pixels; at most 961");
    check_refused("lossy.webp", 961, LTD_ETOOBIG, "37 x 26 pixels; at most 961");
}

TEST(a_cut_file_is_refused)
{
    static const char *const files[] = {"baseline.jpg", "progressive.jpg", "turned6.jpg",
                                        "lossy.webp",   "lossless.webp",   "alpha.webp"};

    for (size_t i = 0; i < COUNT(files); i++) {
        size_t size;
        uint8_t *data = fixture_read(files[i], &size);

        REQUIRE(data);
        /* A JPEG's last two bytes are its end mark, and a chunk of WebP may end in a byte of padding. */
        for (size_t cut = 0; cut + 3 < size; cut++) {
            struct ltd_image *none = NULL;
            uint8_t *copy = malloc(cut + (cut == 0)); /* so that a sanitizer sees a read beyond the end */

            REQUIRE(copy);
            memcpy(copy, data, cut);
            if (ltd_image_decode(copy, cut, MAX_PIXELS, &none, NULL) == LTD_OK)
                check_failed(__FILE__, __LINE__, "%s: cut at byte %zu of %zu it was taken", files[i], cut,
                             size);
            ltd_image_free(none);
            free(copy);
        }
        free(data);
    }
}

TEST(any_byte_may_be_wrong)
{
    static const char *const files[] = {"baseline.jpg", "turned6.jpg", "lossless.webp", "alpha.webp"};

    for (size_t i = 0; i < COUNT(files); i++) {
        size_t size;
        uint8_t *data = fixture_read(files[i], &size);

        REQUIRE(data);
        for (size_t at = 0; at < size; at++) {
            struct ltd_image *image = NULL;

            data[at] ^= 0xFF;
            if (ltd_image_decode(data, size, MAX_PIXELS, &image, NULL) == LTD_OK)
                CHECK(image->width * image->height <= MAX_PIXELS);
            ltd_image_free(image);
            data[at] ^= 0xFF;
        }
        free(data);
    }
}

TEST(pngs_are_read_as_before_and_others_named)
{
    struct ltd_image *image = NULL, *same = NULL, *none = NULL;
    struct ltd_error err = {0};
    size_t size;
    uint8_t *data = fixture_read("rgb8.png", &size);

    REQUIRE(data);
    REQUIRE(ltd_png_decode(data, size, MAX_PIXELS, &image, NULL) == LTD_OK);
    REQUIRE(ltd_image_decode(data, size, MAX_PIXELS, &same, NULL) == LTD_OK);
    CHECK(image->width == same->width && image->height == same->height &&
          memcmp(image->pixels, same->pixels, (size_t)image->width * (size_t)image->height * 3) == 0);
    ltd_image_free(image);
    ltd_image_free(same);
    free(data);
    CHECK_INT(ltd_image_decode("GIF89a", 6, MAX_PIXELS, &none, &err), LTD_EUNSUPPORTED);
    CHECK_STR(err.message, "this is a GIF file; PNG, JPEG and WebP pictures are read");
}

static struct ltd_image *mask_of(const char *file, enum ltd_mask_source source)
{
    struct ltd_image *mask = NULL;
    size_t size;
    uint8_t *data = fixture_read(file, &size);

    if (!data)
        abort();
    CHECK_INT(ltd_mask_decode(data, size, MAX_PIXELS, source, &mask, NULL), LTD_OK);
    free(data);
    if (!mask)
        abort();
    return mask;
}

static void check_alpha(const char *file)
{
    struct ltd_image *clear = mask_of(file, LTD_MASK_TRANSPARENT), *opaque = mask_of(file, LTD_MASK_OPAQUE);
    int kinds = 0;

    for (int i = 0; i < clear->width * clear->height * 3; i++) {
        CHECK_INT(clear->pixels[i], clear->pixels[i - i % 3]);
        CHECK_INT(opaque->pixels[i], 255 - clear->pixels[i] > 128 ? 255 : 0);
        kinds |= opaque->pixels[i] ? 1 : 2;
    }
    CHECK_INT(kinds, 3);
    ltd_image_free(clear);
    ltd_image_free(opaque);
}

TEST(a_mask_is_read_from_alpha)
{
    check_alpha("alpha.webp");
    check_alpha("rgba8.png");
    check_alpha("gray_alpha8_adam7.png");
}

TEST(a_mask_without_alpha_is_its_colours_and_has_nothing_transparent)
{
    struct ltd_image *white = mask_of("rgb8.png", LTD_MASK_WHITE),
                     *opaque = mask_of("rgb8.png", LTD_MASK_OPAQUE);
    struct ltd_image *clear = mask_of("rgb8.png", LTD_MASK_TRANSPARENT), *none = NULL;
    struct ltd_error err = {0};
    size_t size = 0;
    uint8_t *jpeg = fixture_read("gray.jpg", &size);

    CHECK(memcmp(white->pixels, opaque->pixels, (size_t)(white->width * white->height * 3)) == 0);
    for (int i = 0; i < clear->width * clear->height * 3; i++)
        CHECK_INT(clear->pixels[i], 0);
    CHECK_INT(ltd_mask_decode(jpeg, size, MAX_PIXELS, LTD_MASK_TRANSPARENT, &none, &err), LTD_EUNSUPPORTED);
    CHECK_INT(ltd_mask_decode(jpeg, size, 1 << 20, LTD_MASK_WHITE, &none, &err), LTD_OK);
    ltd_image_free(white);
    ltd_image_free(opaque);
    ltd_image_free(clear);
    ltd_image_free(none);
    free(jpeg);
}
