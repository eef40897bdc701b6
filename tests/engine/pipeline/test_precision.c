/* test_precision.c - pictures whose linear layers and attention multiply bf16. */
#include <latentd/session.h>

#include <math.h>
#include <stdio.h>

#include "check.h"
#include "kernels/tile_ops.h"
#include "sessions.h"

/* Of the peak, in dB; infinite where all pixels are equal. */
static double signal_to_noise(const struct ltd_image *a, const struct ltd_image *b)
{
    const int n = a->width * a->height * 3;
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += pow((double)a->pixels[i] - (double)b->pixels[i], 2);
    return sum > 0 ? 10 * log10(255.0 * 255.0 * n / sum) : INFINITY;
}

static struct ltd_image *draw(int line, enum ltd_precision precision, int threads)
{
    struct ltd_gen_params p = small_request();

    p.precision = precision;
    return draw_as_planned(line, default_model(), &p, threads);
}

TEST(bf16_is_another_picture_close_to_the_exact_one)
{
    struct ltd_image *exact = draw(__LINE__, LTD_PRECISION_F32, 2),
                     *near = draw(__LINE__, LTD_PRECISION_BF16, 2);
    double decibels;

    REQUIRE(exact && near);
    decibels = signal_to_noise(exact, near);
    printf("%.1f dB\n", decibels);
    CHECK(decibels > 35 && decibels < 100);
    ltd_image_free(exact);
    ltd_image_free(near);
}

TEST(any_number_of_threads_gives_the_same_pixels_by_bf16)
{
    struct ltd_image *want = draw(__LINE__, LTD_PRECISION_BF16, 1);

    for (int threads = 2; threads <= 7; threads += threads < 4 ? 1 : 3) {
        struct ltd_image *got = draw(__LINE__, LTD_PRECISION_BF16, threads);

        CHECK(same_pixels(got, want));
        ltd_image_free(got);
    }
    ltd_image_free(want);
}

/* The text encoders' results are remembered for requests of either precision. */
TEST(what_was_drawn_before_does_not_change_the_picture)
{
    struct ltd_model *first = open_model("models/default"), *second = open_model("models/default");
    struct ltd_gen_params p = small_request();
    struct ltd_image *pictures[2][2];

    for (int precision = 0; precision < 2; precision++) {
        p.precision = (enum ltd_precision)precision;
        pictures[0][precision] = draw_as_planned(__LINE__, first, &p, 2);
    }
    for (int precision = 1; precision >= 0; precision--) {
        p.precision = (enum ltd_precision)precision;
        pictures[1][precision] = draw_as_planned(__LINE__, second, &p, 2);
    }
    CHECK(same_pixels(pictures[0][0], pictures[1][0]));
    CHECK(same_pixels(pictures[0][1], pictures[1][1]));
    for (int i = 0; i < 4; i++)
        ltd_image_free(pictures[i / 2][i % 2]);
    ltd_model_close(first);
    ltd_model_close(second);
}

static void count_warning(void *arg, bool warning, const char *field, const char *message)
{
    CHECK(warning);
    CHECK_STR(field, "precision");
    CHECK_STR(message, "is slower than f32 on this processor, which lacks AVX512_BF16");
    ++*(int *)arg;
}

TEST(a_processor_that_is_slower_by_bf16_says_so)
{
    struct ltd_gen_params p = small_request();
    int warnings = 0;

    p.width = p.height = 128; /* the model's, of which nothing else is said */
    CHECK(ltd_params_check(default_model(), &p, count_warning, &warnings));
    CHECK_INT(warnings, 0);
    p.precision = LTD_PRECISION_BF16;
    CHECK(ltd_params_check(default_model(), &p, count_warning, &warnings));
    CHECK_INT(warnings, tile_ops()->has_pairs ? 0 : 1);
    CHECK_INT(tile_ops()->has_pairs, strcmp(ltd_isa_name(), "avx512bf16") == 0);
}
