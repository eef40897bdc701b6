/* test_inpaint_model.c - models that are shown a mask and a picture: what they are, and how they are planned.
 */
#include <latentd/model.h>
#include <latentd/session.h>

#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "model_copy.h"
#include "sessions.h"

#define INPAINT    "tests/parity/fixtures/inpaint/model"
#define INPAINT_XL "tests/parity/fixtures/inpaint-xl/model"
#define OTHER      "tests/parity/fixtures/no-attention/model" /* its latents have 8 channels */

enum { WIDTH = 32, HEIGHT = 24 };

/* A ramp, or a white right half on black. */
static struct ltd_image *make_picture(bool mask)
{
    struct ltd_image *image = NULL;

    if (ltd_image_new(WIDTH, HEIGHT, &image, NULL) != LTD_OK)
        abort();
    for (int i = 0; i < 3 * WIDTH * HEIGHT; i++) {
        const int x = i / 3 % WIDTH;

        image->pixels[i] = (uint8_t)(mask ? (x >= WIDTH / 2) * 255 : x * 255 / WIDTH);
    }
    return image;
}

/* Draws as params say, and again with another picture: is that one seen? */
static bool sees_picture(const struct ltd_model *model, const struct ltd_gen_params *params,
                         struct ltd_image *image)
{
    struct ltd_image *a = draw_as_planned(__LINE__, model, params, 2), *b;
    bool seen = false;

    for (int i = 0; i < 3 * WIDTH * HEIGHT; i++)
        image->pixels[i] = (uint8_t)(255 - image->pixels[i]);
    b = draw_as_planned(__LINE__, model, params, 2);
    for (int i = 0; a && b && i < 3 * WIDTH * HEIGHT; i++)
        seen |= a->pixels[i] != b->pixels[i];
    ltd_image_free(a);
    ltd_image_free(b);
    return seen;
}

static void check_ways(const char *dir)
{
    static const struct {
        enum ltd_profile profile;
        bool image, mask;
        double strength;
        bool seen; /* is anything of the picture? */
    } rows[] = {
        {LTD_PROFILE_DIFFUSERS, false, false, 1, false}, {LTD_PROFILE_DIFFUSERS, true, false, 1, false},
        {LTD_PROFILE_DIFFUSERS, true, false, 0.5, true}, {LTD_PROFILE_DIFFUSERS, true, true, 1, true},
        {LTD_PROFILE_DIFFUSERS, true, true, 0.5, true},  {LTD_PROFILE_A1111, false, false, 1, false},
        {LTD_PROFILE_A1111, true, false, 1, true},       {LTD_PROFILE_A1111, true, true, 0.5, true}};
    struct ltd_model *model = open_model(dir);
    struct ltd_image *image = make_picture(false), *mask = make_picture(true);

    CHECK(ltd_model_info(model)->inpaints);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ltd_gen_params p = ltd_params_default(model);

        p.prompt = "a tiger";
        p.steps = 2;
        p.sampler = LTD_SAMPLER_EULER;
        p.width = WIDTH;
        p.height = HEIGHT;
        p.profile = rows[i].profile;
        p.init_image = rows[i].image ? image : NULL;
        p.mask = rows[i].mask ? mask : NULL;
        p.strength = rows[i].strength;
        if (sees_picture(model, &p, image) != rows[i].seen)
            check_failed(__FILE__, __LINE__, "row %zu of %s", i, dir);
    }
    ltd_image_free(image);
    ltd_image_free(mask);
    ltd_model_close(model);
}

TEST(what_is_left_of_a_picture_is_seen_within_the_plan)
{
    check_ways(INPAINT);
    check_ways(INPAINT_XL);
}

TEST(other_models_do_not_inpaint_by_themselves)
{
    struct ltd_model *model = open_model(OTHER);

    CHECK(!ltd_model_info(model)->inpaints);
    ltd_model_close(model);
}

/* Another VAE's file in place of that of dir. */
static bool put_file(const char *vae, const char *file, const char *dir)
{
    struct file_bytes bytes = {0};
    char from[2048], to[2048];
    bool put;

    snprintf(from, sizeof from, "%s/%s", vae, file);
    snprintf(to, sizeof to, "%s/vae/%s", dir, file);
    put = file_read(from, &bytes) && file_write(to, bytes.data, bytes.size);
    free(bytes.data);
    return put;
}

TEST(channels_that_nobody_knows_are_refused_by_number)
{
    struct ltd_model *model = NULL;
    struct ltd_error err = {.message = "it opens"};
    char dir[1024];

    REQUIRE(model_copy_make(OTHER, dir, sizeof dir));
    CHECK(put_file("tests/parity/fixtures/odd/model/vae", "config.json", dir));
    CHECK(put_file("tests/parity/fixtures/odd/model/vae", "diffusion_pytorch_model.safetensors", dir));
    CHECK(ltd_model_open(dir, &model, &err) != LTD_OK);
    if (!strstr(err.message, "the U-Net takes 8 channels and the VAE's latents have 16"))
        check_failed(__FILE__, __LINE__, "%s", err.message);
    ltd_model_close(model);
    model_copy_remove(dir);
}
