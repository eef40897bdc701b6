/* test_masked_area.c - which part of a picture is drawn, and that it comes back where it was. */
#include "image/masked_area.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

static struct ltd_image *new_image(int width, int height)
{
    struct ltd_image *image = NULL;

    if (ltd_image_new(width, height, &image, NULL) != LTD_OK)
        abort();
    return image;
}

/* A mask that is white from x, y on, over so many pixels. */
static struct ltd_image *new_mask(int width, int height, struct image_area white)
{
    struct ltd_image *mask = new_image(width, height);

    for (int y = white.y; y < white.y + white.height; y++)
        memset(mask->pixels + (y * width + white.x) * 3, 255, (size_t)white.width * 3);
    return mask;
}

static void check_area(int line, struct image_area white, int padding, int width, int height,
                       struct image_area want)
{
    struct ltd_image *mask = new_mask(100, 60, white);
    const struct image_area got = masked_area_find(mask, padding, width, height);

    if (memcmp(&got, &want, sizeof got) != 0)
        check_failed(__FILE__, line, "%d, %d and %d x %d, not %d, %d and %d x %d", got.x, got.y, got.width,
                     got.height, want.x, want.y, want.width, want.height);
    ltd_image_free(mask);
}

TEST(the_area_has_the_shape_that_is_drawn_as_far_as_the_picture_goes)
{
    const struct image_area middle = {40, 20, 20, 10};

    check_area(__LINE__, middle, 0, 64, 32, middle);
    check_area(__LINE__, middle, 0, 64, 64, (struct image_area){40, 15, 20, 20});
    check_area(__LINE__, middle, 5, 64, 64, (struct image_area){35, 10, 30, 30});
    check_area(__LINE__, middle, 0, 128, 32, (struct image_area){30, 20, 40, 10});
    /* Moved back from the edge, then cut by it. */
    check_area(__LINE__, (struct image_area){0, 50, 20, 10}, 0, 64, 64, (struct image_area){0, 40, 20, 20});
    check_area(__LINE__, (struct image_area){90, 0, 10, 5}, 3, 64, 64, (struct image_area){87, 0, 13, 13});
    check_area(__LINE__, (struct image_area){0, 0, 100, 10}, 0, 64, 64, (struct image_area){0, 0, 100, 60});
    check_area(__LINE__, (struct image_area){7, 9, 1, 1}, 4096, 64, 64, (struct image_area){0, 0, 100, 60});
    check_area(__LINE__, (struct image_area){0, 0, 0, 0}, 3, 64, 64, (struct image_area){0, 0, 100, 60});
}

TEST(an_area_at_its_own_size_comes_back_as_it_was)
{
    const struct image_area area = {3, 5, 16, 24};
    struct ltd_image *image = new_image(40, 40), *base = new_image(40, 40), *part = NULL;

    for (int i = 0; i < 40 * 40 * 3; i++)
        image->pixels[i] = (uint8_t)(i * 7);
    REQUIRE(masked_area_cut(image, area, 16, 24, &part, NULL) == LTD_OK);
    CHECK(memcmp(part->pixels, image->pixels + (5 * 40 + 3) * 3, 16 * 3) == 0);
    REQUIRE(masked_area_put(base, area, part, NULL) == LTD_OK);
    for (int i = 0; i < 40 * 40 * 3; i++) {
        const int x = i / 3 % 40, y = i / 3 / 40;
        const bool inside = x >= 3 && x < 19 && y >= 5 && y < 29;

        CHECK_INT(base->pixels[i], inside ? image->pixels[i] : 0);
    }
    ltd_image_free(image);
    ltd_image_free(base);
    ltd_image_free(part);
}

TEST(what_an_area_lacks_of_the_shape_is_filled_with_its_edges)
{
    struct ltd_image *image = new_image(2, 8), *part = NULL;

    for (int i = 0; i < 2 * 8 * 3; i++)
        image->pixels[i] = i / 3 % 2 ? 80 : 160;
    REQUIRE(masked_area_cut(image, (struct image_area){0, 0, 2, 8}, 8, 8, &part, NULL) == LTD_OK);
    for (int x = 0; x < 8; x++)
        CHECK_INT(part->pixels[x * 3], x < 3 ? 170 : x == 3 ? 160 : x == 4 ? 80 : 70);
    ltd_image_free(image);
    ltd_image_free(part);
}
