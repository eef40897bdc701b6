/* test_model_shapes.c - a model without its weights tells what the whole one tells. */
#include <latentd/cost.h>
#include <latentd/model.h>
#include <latentd/session.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "model_copy.h"
#include "sessions.h"

#define FIXTURES "tests/parity/fixtures/"

/* Every family, from a folder and from one file, f16 and quantized. */
static const char *const paths[] = {
    "models/default",
    FIXTURES "sd15/model",
    FIXTURES "sdxl/model",
    FIXTURES "refiner/model",
    FIXTURES "edit/model",
    FIXTURES "nested/model",
    FIXTURES "single/model/single.safetensors",
    FIXTURES "single-xl/model/single.safetensors",
    FIXTURES "single-gguf/model/single.gguf",
};

static bool same_info(const struct ltd_model_info *a, const struct ltd_model_info *b)
{
    return strcmp(a->family, b->family) == 0 && strcmp(a->prediction_type, b->prediction_type) == 0 &&
           strcmp(a->scheduler_class, b->scheduler_class) == 0 && strcmp(a->dtype, b->dtype) == 0 &&
           strcmp(a->about, b->about) == 0 && a->parameters == b->parameters &&
           a->file_bytes == b->file_bytes && a->vae_factor == b->vae_factor &&
           a->latent_channels == b->latent_channels && a->inpaints == b->inpaints && a->edits == b->edits &&
           a->token_limit == b->token_limit && a->native_width == b->native_width &&
           a->native_height == b->native_height && a->text_layers == b->text_layers;
}

/* What is told of a request: its cost and its text. */
static void compare_request(const char *path, const struct ltd_model *whole, const struct ltd_model *shapes)
{
    static uint8_t pixels[256 * 256 * 3];
    const struct ltd_picture_form form = {.format = LTD_PICTURE_PNG};
    struct ltd_gen_params p = ltd_params_default(whole);
    const struct ltd_image image = {p.width, p.height, pixels};
    struct ltd_cost one = {0}, two = {0};
    struct ltd_error err = {.message = ""};
    char *text, *same;

    p.prompt = "a (red:1.3) tiger, BREAK, on the grass";
    p.profile = LTD_PROFILE_A1111;
    p.init_image = p.width <= 256 && p.height <= 256 ? &image : NULL;
    if (ltd_params_cost(whole, &p, 2, &one, &err) != LTD_OK ||
        ltd_params_cost(shapes, &p, 2, &two, &err) != LTD_OK || memcmp(&one, &two, sizeof one) != 0)
        check_failed(__FILE__, __LINE__, "%s: other costs (%s)", path, err.message);
    text = ltd_params_text(whole, &p, 0, &form, (struct ltd_model_label){0});
    same = ltd_params_text(shapes, &p, 0, &form, (struct ltd_model_label){0});
    CHECK_STR(same, text);
    free(text);
    free(same);
}

TEST(shapes_tell_what_the_weights_tell)
{
    for (size_t i = 0; i < COUNT(paths); i++) {
        struct ltd_model *whole = open_model(paths[i]), *shapes = NULL;
        struct ltd_gen_params p, q;
        struct ltd_error err = {.message = ""};

        if (ltd_model_look(paths[i], &err) != LTD_OK ||
            ltd_model_open_shapes(paths[i], NULL, &shapes, &err) != LTD_OK) {
            check_failed(__FILE__, __LINE__, "%s: %s", paths[i], err.message);
        } else {
            p = ltd_params_default(whole);
            q = ltd_params_default(shapes);
            if (!same_info(ltd_model_info(whole), ltd_model_info(shapes)))
                check_failed(__FILE__, __LINE__, "%s: other facts", paths[i]);
            CHECK(p.width == q.width && p.height == q.height && p.steps == q.steps);
            CHECK(p.sampler == q.sampler && p.scheduler == q.scheduler && p.cfg_scale == q.cfg_scale);
            compare_request(paths[i], whole, shapes);
        }
        ltd_model_close(whole);
        ltd_model_close(shapes);
    }
}

TEST(no_session_draws_with_shapes)
{
    struct ltd_model *shapes = NULL, *whole = open_model(paths[1]);
    struct ltd_session *session = new_session(NULL, 1);
    struct ltd_image *image = NULL;
    struct ltd_gen_params p = ltd_params_default(whole);
    struct ltd_error err;

    REQUIRE(ltd_model_open_shapes(paths[1], NULL, &shapes, &err) == LTD_OK);
    p.steps = 1;
    CHECK(ltd_session_generate(session, &p, 0, NULL, &image, NULL, &err) == LTD_EINVAL);
    ltd_session_set_model(session, shapes);
    CHECK(ltd_session_generate(session, &p, 0, NULL, &image, NULL, &err) == LTD_EINVAL);
    ltd_session_set_model(session, whole);
    CHECK(ltd_session_generate(session, &p, 0, NULL, &image, NULL, &err) == LTD_OK);
    ltd_image_free(image);
    ltd_session_free(session);
    ltd_model_close(whole);
    ltd_model_close(shapes);
}

/* Puts values that are not finite at the end of a file. */
static bool spoil(const char *path)
{
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    const off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
    const bool good = size > 4 && pwrite(fd, "\xff\xff\xff\xff", 4, size - 4) == 4;

    if (fd >= 0)
        close(fd);
    return good;
}

TEST(what_is_wrong_with_values_is_found_with_the_weights)
{
    struct ltd_model *model = NULL;
    struct ltd_error err = {.message = ""};
    char dir[1024], path[2048];

    REQUIRE(model_copy_make(paths[1], dir, sizeof dir));
    snprintf(path, sizeof path, "%s/unet/diffusion_pytorch_model.safetensors", dir);
    CHECK(spoil(path));
    CHECK(ltd_model_open_shapes(dir, NULL, &model, &err) == LTD_OK);
    ltd_model_close(model);
    model = NULL;
    CHECK(ltd_model_open(dir, &model, &err) == LTD_EFORMAT && strstr(err.message, "not finite"));
    model_copy_remove(dir);
}

TEST(what_is_no_model_is_seen_at_a_look)
{
    static const struct {
        const char *path;
        enum ltd_status want;
    } rows[] = {
        {"nowhere", LTD_ENOTFOUND},
        {FIXTURES "sd15", LTD_EFORMAT},
        {FIXTURES "sd15/model/unet", LTD_EFORMAT},
        {FIXTURES "sd15/cases.json", LTD_EFORMAT},
        {FIXTURES "sd15/model/unet/diffusion_pytorch_model.safetensors", LTD_EUNSUPPORTED},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ltd_error err = {.message = ""};
        const enum ltd_status got = ltd_model_look(rows[i].path, &err);

        if (got != rows[i].want)
            check_failed(__FILE__, __LINE__, "%s: %s '%s'", rows[i].path, ltd_status_name(got), err.message);
    }
}
