/* test_masked_image.c - blurred masks, filled and overlaid pictures: the bytes of OpenCV and PIL. */
#include "image/masked_image.h"

#include <stdlib.h>
#include <string.h>

#include "picture_fixture.h"

static const int blurs[] = {1, 2, 4, 33};

/* Where they stand in a fixture. */
enum { IMAGE, OTHER, MASK, BLURRED, FILLED = BLURRED + COUNT(blurs), LAID_OVER };

struct masked {
    struct ltd_image image; /* without pixels */
    uint8_t *data;
    size_t bytes; /* of one picture */
};

static struct masked masked_read(int width, int height)
{
    struct masked m = {{width, height, NULL}, NULL, (size_t)width * (size_t)height * 3};
    char name[80];
    size_t size = 0;

    snprintf(name, sizeof name, "masked_%dx%d.rgb", width, height);
    m.data = fixture_read(name, &size);
    if (!m.data || size != (LAID_OVER + 1) * m.bytes)
        abort();
    return m;
}

/* A copy, whose pixels the caller frees. */
static struct ltd_image take(const struct masked *m, int which)
{
    struct ltd_image image = m->image;

    image.pixels = malloc(m->bytes);
    if (!image.pixels)
        abort();
    memcpy(image.pixels, m->data + (size_t)which * m->bytes, m->bytes);
    return image;
}

static void check_is(const struct masked *m, const struct ltd_image *got, int which, const char *what)
{
    if (memcmp(got->pixels, m->data + (size_t)which * m->bytes, m->bytes) != 0)
        check_failed(__FILE__, __LINE__, "%d x %d: another picture %s", got->width, got->height, what);
}

static void check_size(int width, int height)
{
    struct masked m = masked_read(width, height);
    struct ltd_image image = take(&m, IMAGE), other = take(&m, OTHER), soft = take(&m, BLURRED + 1);

    for (size_t i = 0; i < COUNT(blurs); i++) {
        struct ltd_image mask = take(&m, MASK);

        CHECK_INT(mask_blur(&mask, blurs[i], NULL), LTD_OK);
        check_is(&m, &mask, BLURRED + (int)i, "blurred");
        free(mask.pixels);
    }
    CHECK_INT(masked_image_fill(&image, &soft, NULL), LTD_OK);
    check_is(&m, &image, FILLED, "filled");
    memcpy(image.pixels, m.data, m.bytes);
    masked_image_overlay(&image, &other, &soft);
    check_is(&m, &image, LAID_OVER, "laid over");
    free(image.pixels);
    free(other.pixels);
    free(soft.pixels);
    free(m.data);
}

TEST(pictures_of_any_shape)
{
    check_size(40, 24);
    check_size(7, 9);
    check_size(1, 5);
    check_size(64, 33);
}

TEST(a_mask_is_the_brightness_of_its_colours)
{
    uint8_t pixels[] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 1, 2, 3};
    struct ltd_image mask = {5, 1, pixels};
    static const int grey[] = {76, 150, 29, 255, 2};

    mask_from_image(&mask, false);
    for (int i = 0; i < 15; i++)
        CHECK_INT(pixels[i], grey[i / 3]);
    mask_from_image(&mask, true);
    CHECK_INT(pixels[0], 255 - 76);
    mask_strengthen(&mask);
    CHECK_INT(pixels[0], 255);
    CHECK_INT(pixels[3], 210);
    CHECK_INT(pixels[9], 0);
}
