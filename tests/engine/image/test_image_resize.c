#include "image/image_resize.h"

#include "picture_fixture.h"

/* The fixture's picture resized must be what PIL made of it, which follows it in the file. */
static void check_against_pil(const char *kind, enum resample resample, int width, int height, int to_width,
                              int to_height)
{
    char name[80];
    size_t size, source = (size_t)(width * height * 3), target = (size_t)(to_width * to_height * 3);
    struct ltd_image image = {width, height, NULL}, *resized = NULL;
    uint8_t *data;

    snprintf(name, sizeof name, "%s_%dx%d_to_%dx%d.rgb", kind, width, height, to_width, to_height);
    data = fixture_read(name, &size);
    REQUIRE(data);
    REQUIRE(size == source + target);
    image.pixels = data;
    REQUIRE(image_resize(&image, to_width, to_height, resample, &resized, NULL) == LTD_OK);
    CHECK_INT(resized->width, to_width);
    CHECK_INT(resized->height, to_height);
    if (memcmp(resized->pixels, data + source, target) != 0)
        check_failed(__FILE__, __LINE__, "%s differs from PIL's", name);
    ltd_image_free(resized);
    free(data);
}

TEST(resizing_gives_the_bytes_of_pil)
{
    static const int sizes[][4] = {{13, 9, 26, 18}, {26, 18, 13, 9},  {64, 48, 17, 31}, {17, 31, 64, 48},
                                   {40, 40, 40, 7}, {40, 40, 7, 40},  {1, 1, 5, 3},     {5, 3, 1, 1},
                                   {50, 2, 3, 33},  {33, 37, 32, 36}, {200, 1, 9, 1}};

    for (size_t i = 0; i < COUNT(sizes); i++)
        check_against_pil("resize", RESAMPLE_LANCZOS, sizes[i][0], sizes[i][1], sizes[i][2], sizes[i][3]);
    check_against_pil("cubic", RESAMPLE_CUBIC, 48, 40, 6, 5);
    check_against_pil("cubic", RESAMPLE_CUBIC, 9, 7, 31, 20);
    check_against_pil("cubic", RESAMPLE_CUBIC, 1, 3, 1, 1);
}

TEST(the_same_size_is_a_copy)
{
    uint8_t pixels[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    const struct ltd_image image = {2, 2, pixels};
    struct ltd_image *copy = NULL;

    REQUIRE(ltd_image_resize(&image, 2, 2, &copy, NULL) == LTD_OK);
    CHECK(copy->pixels != pixels && memcmp(copy->pixels, pixels, sizeof pixels) == 0);
    ltd_image_free(copy);
}

TEST(a_size_that_no_picture_has_is_refused)
{
    static const int sizes[][2] = {{0, 5}, {5, 0}, {-1, 5}, {65536, 5}, {5, 65536}, {INT32_MAX, INT32_MAX}};
    uint8_t pixels[3] = {1, 2, 3};
    const struct ltd_image image = {1, 1, pixels};
    struct ltd_image *none = NULL;
    struct ltd_error err;

    for (size_t i = 0; i < COUNT(sizes); i++) {
        CHECK_INT(ltd_image_resize(&image, sizes[i][0], sizes[i][1], &none, &err), LTD_EINVAL);
        CHECK_INT(ltd_image_new(sizes[i][0], sizes[i][1], &none, &err), LTD_EINVAL);
    }
    CHECK(!none);
}

TEST(a_new_image_is_black)
{
    struct ltd_image *image = NULL;

    REQUIRE(ltd_image_new(3, 2, &image, NULL) == LTD_OK);
    for (int i = 0; i < 18; i++)
        CHECK_INT(image->pixels[i], 0);
    ltd_image_free(image);
    ltd_image_free(NULL);
}

TEST(extreme_shapes_are_resized)
{
    struct ltd_image *image = NULL, *resized = NULL;

    REQUIRE(ltd_image_new(65535, 1, &image, NULL) == LTD_OK);
    memset(image->pixels, 200, 65535 * 3);
    REQUIRE(ltd_image_resize(image, 1, 8, &resized, NULL) == LTD_OK);
    CHECK_INT(resized->pixels[0], 200);
    CHECK_INT(resized->pixels[23], 200);
    ltd_image_free(image);
    ltd_image_free(resized);
}
