/* test_image_place.c - what is cut off, and what is filled in. */
#include "image/image_place.h"

#include "check.h"

/* Pixel x, y is (value, 10 y, x). */
static struct ltd_image *picture(int width, int height, int value)
{
    struct ltd_image *image = NULL;

    CHECK_INT(ltd_image_new(width, height, &image, NULL), LTD_OK);
    for (int i = 0; i < width * height; i++) {
        image->pixels[3 * i] = (uint8_t)value;
        image->pixels[3 * i + 1] = (uint8_t)(10 * (i / width));
        image->pixels[3 * i + 2] = (uint8_t)(i % width);
    }
    return image;
}

static void expect_pixel(int line, const struct ltd_image *image, int x, int y, int r, int g, int b)
{
    const uint8_t *p = image->pixels + 3 * (y * image->width + x);

    if (p[0] != r || p[1] != g || p[2] != b)
        check_failed(__FILE__, line, "%d, %d: (%d %d %d), not (%d %d %d)", x, y, p[0], p[1], p[2], r, g, b);
}

static struct ltd_image *placed(struct ltd_image *image, int width, int height)
{
    struct ltd_image *out = NULL;

    CHECK_INT(image_place(image, width, height, &out, NULL), LTD_OK);
    CHECK_INT(out->width, width);
    CHECK_INT(out->height, height);
    ltd_image_free(image);
    return out;
}

TEST(the_middle_of_a_larger_picture_is_left)
{
    struct ltd_image *image = placed(picture(9, 4, 7), 4, 4);

    expect_pixel(__LINE__, image, 0, 0, 7, 0, 2); /* (9 - 4) / 2, rounded down */
    expect_pixel(__LINE__, image, 3, 3, 7, 30, 5);
    ltd_image_free(image);
}

TEST(a_smaller_picture_lies_in_the_median_of_its_edges)
{
    /* Green: 0 and 20 five times each, and 10 twice between them. */
    struct ltd_image *image = placed(picture(3, 3, 250), 8, 5);

    expect_pixel(__LINE__, image, 2, 1, 250, 0, 0);
    expect_pixel(__LINE__, image, 4, 3, 250, 20, 2);
    expect_pixel(__LINE__, image, 0, 0, 250, 10, 1);
    expect_pixel(__LINE__, image, 7, 4, 250, 10, 1);
    ltd_image_free(image);
}

TEST(the_median_of_an_even_count_is_between_two_rounded_down)
{
    /* Blue: 0 and 1, four times each. */
    struct ltd_image *image = placed(picture(2, 1, 3), 2, 3);

    expect_pixel(__LINE__, image, 0, 0, 3, 0, 0);
    expect_pixel(__LINE__, image, 1, 1, 3, 0, 1);
    ltd_image_free(image);
}

TEST(one_side_may_be_cut_and_the_other_filled)
{
    struct ltd_image *image = placed(picture(6, 2, 9), 2, 6);

    expect_pixel(__LINE__, image, 0, 2, 9, 0, 2);
    expect_pixel(__LINE__, image, 1, 3, 9, 10, 3);
    expect_pixel(__LINE__, image, 0, 0, 9, 5, 2);
    ltd_image_free(image);
}
