/* test_edit_model.c - models that are shown the picture that they edit: what they need, and how they are
 * planned.
 */
#include <latentd/model.h>
#include <latentd/session.h>

#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "model_copy.h"
#include "sessions.h"

#define EDIT    "tests/parity/fixtures/edit/model"
#define EDIT_XL "tests/parity/fixtures/edit-xl/model"
#define PLAIN   "tests/parity/fixtures/sd15/model"

enum { WIDTH = 32, HEIGHT = 32 };

static struct ltd_gen_params request_of(const struct ltd_model *model, const struct ltd_image *image)
{
    struct ltd_gen_params p = ltd_params_default(model);

    p.prompt = "a tiger";
    p.steps = 4;
    p.sampler = LTD_SAMPLER_EULER;
    p.width = WIDTH;
    p.height = HEIGHT;
    p.init_image = image;
    return p;
}

static struct ltd_image *make_ramp(void)
{
    struct ltd_image *image = NULL;

    if (ltd_image_new(WIDTH, HEIGHT, &image, NULL) != LTD_OK)
        abort();
    for (int i = 0; i < 3 * WIDTH * HEIGHT; i++)
        image->pixels[i] = (uint8_t)(i / 3 % WIDTH * 255 / WIDTH);
    return image;
}

static void check_plan(int line, const struct ltd_model *model, const struct ltd_gen_params *p)
{
    ltd_image_free(draw_as_planned(line, model, p, 2));
}

static void check_plans(const char *dir)
{
    struct ltd_model *model = open_model(dir);
    struct ltd_image *image = make_ramp();
    struct ltd_gen_params p = request_of(model, image);

    CHECK(ltd_model_info(model)->edits && !ltd_model_info(model)->inpaints);
    CHECK_NEAR(p.image_guidance_scale, 1.5, 0);
    CHECK_NEAR(p.strength, 1, 0);
    check_plan(__LINE__, model, &p);
    p.guidance_start = 0.3;
    p.guidance_end = 0.6;
    check_plan(__LINE__, model, &p);
    p.deepcache_interval = 2;
    check_plan(__LINE__, model, &p);
    p.image_guidance_scale = 1;
    check_plan(__LINE__, model, &p);
    p.cfg_scale = 1;
    check_plan(__LINE__, model, &p);
    p = request_of(model, image);
    p.profile = LTD_PROFILE_A1111;
    p.strength = 0.5;
    p.mask = image;
    check_plan(__LINE__, model, &p);
    p.prompt = "[a:b:2] tiger";
    check_plan(__LINE__, model, &p);
    ltd_image_free(image);
    ltd_model_close(model);
}

TEST(planned_bytes_are_used_bytes_however_it_is_guided)
{
    check_plans(EDIT);
    check_plans(EDIT_XL);
}

static char found[512];

static void on_finding(void *arg, bool warning, const char *field, const char *message)
{
    const size_t used = strlen(found);

    (void)arg, (void)message;
    snprintf(found + used, sizeof found - used, "%s %s; ", warning ? "warning" : "error", field);
}

static void check_found(int line, const struct ltd_model *model, const struct ltd_gen_params *p,
                        const char *want)
{
    found[0] = '\0';
    ltd_params_check(model, p, on_finding, NULL);
    if (strcmp(found, want) != 0)
        check_failed(__FILE__, line, "found '%s', not '%s'", found, want);
}

TEST(what_does_not_go_with_editing_is_refused_by_name)
{
    struct ltd_model *edit = open_model(EDIT), *plain = open_model(PLAIN);
    struct ltd_image *image = make_ramp();
    struct ltd_gen_params p = request_of(edit, image);

    check_found(__LINE__, edit, &p, "");
    p.init_image = NULL;
    check_found(__LINE__, edit, &p, "error image; ");
    p = request_of(edit, image);
    p.image_guidance_scale = 0;
    check_found(__LINE__, edit, &p, "error image_guidance_scale; ");
    p.image_guidance_scale = 100.5;
    check_found(__LINE__, edit, &p, "error image_guidance_scale; ");
    p.image_guidance_scale = 0.5;
    check_found(__LINE__, edit, &p, "warning image_guidance_scale; ");
    p.profile = LTD_PROFILE_A1111;
    check_found(__LINE__, edit, &p, "");
    p.prompt = "a AND b";
    check_found(__LINE__, edit, &p, "error image_guidance_scale; ");
    p.image_guidance_scale = 1;
    check_found(__LINE__, edit, &p, "");
    p.prompt = "a";
    p.cfg_rescale = 0.5;
    check_found(__LINE__, edit, &p, "error cfg_rescale; ");
    p = request_of(plain, image);
    check_found(__LINE__, plain, &p, "");
    p.image_guidance_scale = 1.5;
    check_found(__LINE__, plain, &p, "error image_guidance_scale; ");
    ltd_image_free(image);
    ltd_model_close(edit);
    ltd_model_close(plain);
}

/* A model that recommends something is checked as if there were a picture. */
TEST(a_model_that_recommends_something_opens)
{
    static const char says[] = "{\"steps\": 3, \"about\": \"edits\"}";
    struct ltd_model *model;
    char dir[1024], path[2048];

    REQUIRE(model_copy_make(EDIT, dir, sizeof dir));
    snprintf(path, sizeof path, "%s/latentd.json", dir);
    CHECK(file_write(path, says, sizeof says - 1));
    model = open_model(dir);
    CHECK_INT(ltd_params_default(model).steps, 3);
    ltd_model_close(model);
    model_copy_remove(dir);
}
