/* test_canny.c - edges: the bytes of OpenCV (tests/parity/make_canny_fixtures.py). */
#include "image/canny.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

static struct ltd_image *read_picture(const char *name)
{
    static uint8_t data[1 << 16];
    struct ltd_image *image = NULL;
    char path[256];
    FILE *file;
    size_t size;

    snprintf(path, sizeof path, "tests/engine/image/canny/%s.png", name);
    file = fopen(path, "rb");
    size = file ? fread(data, 1, sizeof data, file) : 0;
    if (file)
        fclose(file);
    if (ltd_image_decode(data, size, 1 << 20, &image, NULL) != LTD_OK) {
        fprintf(stderr, "%s: no such picture\n", path);
        abort();
    }
    return image;
}

TEST(edges_are_those_of_opencv)
{
    static const char *const names[] = {"wide", "tall", "small", "row", "column", "pixel"};
    static const int thresholds[][2] = {{100, 200}, {20, 60}, {0, 0}, {50, 50}, {300, 900}};
    size_t white = 0, values = 0;

    for (size_t i = 0; i < COUNT(names); i++) {
        struct ltd_image *image = read_picture(names[i]);

        for (size_t k = 0; k < COUNT(thresholds); k++) {
            const int low = thresholds[k][0], high = thresholds[k][1];
            struct ltd_image *want, *got = NULL;
            char name[64];
            size_t bytes;

            snprintf(name, sizeof name, "%s-%d-%d", names[i], low, high);
            want = read_picture(name);
            bytes = (size_t)want->width * (size_t)want->height * 3;
            REQUIRE(canny_edges(image, low, high, &got, NULL) == LTD_OK);
            CHECK_INT(got->width, want->width);
            CHECK_INT(got->height, want->height);
            if (memcmp(got->pixels, want->pixels, bytes) != 0)
                check_failed(__FILE__, __LINE__, "%s differs", name);
            for (size_t b = 0; b < bytes; b++)
                white += want->pixels[b] > 0;
            values += bytes;
            ltd_image_free(want);
            ltd_image_free(got);
        }
        ltd_image_free(image);
    }
    CHECK(white > values / 20 && white < values / 2); /* or there would be nothing to compare */
}
