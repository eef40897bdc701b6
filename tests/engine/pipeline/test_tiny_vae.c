/* test_tiny_vae.c - pictures by a tiny autoencoder: what is planned, cancelled, refused and told of it. */
#include <latentd/session.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "model_copy.h"
#include "sessions.h"

#define FIXTURES "tests/parity/fixtures/"
#define SD15     FIXTURES "sd15/model"
#define TAESD    FIXTURES "taesd/vae"

static char dir[1024];
static uint8_t pixels[24 * 32 * 3];
static const struct ltd_image picture = {32, 24, pixels};

static struct ltd_gen_params request(const struct ltd_model *model)
{
    struct ltd_gen_params p = ltd_params_default(model);

    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * i / 7 % 251);
    p.prompt = "a fox";
    p.seed = 3;
    p.steps = 4;
    p.sampler = LTD_SAMPLER_EULER;
    p.width = picture.width;
    p.height = picture.height;
    return p;
}

struct findings {
    char errors[1000];
};

static void note(void *arg, bool warning, const char *field, const char *message)
{
    struct findings *f = arg;
    const size_t at = strlen(f->errors);

    if (!warning)
        snprintf(f->errors + at, sizeof f->errors - at, "%s %s; ", field, message);
}

static void copy_file(const char *from_dir, const char *name)
{
    struct file_bytes bytes = {NULL, 0};
    char from[1024], to[2048];

    snprintf(from, sizeof from, "%s/%s", from_dir, name);
    snprintf(to, sizeof to, "%s/vae/%s", dir, name);
    REQUIRE(file_read(from, &bytes));
    CHECK(file_write(to, bytes.data, bytes.size));
    free(bytes.data);
}

TEST(a_models_own_vae_may_be_a_tiny_one)
{
    struct ltd_model *separate = open_model_with(SD15, TAESD), *own;
    struct ltd_gen_params p = request(separate);
    struct ltd_image *want = draw_as_planned(__LINE__, separate, &p, 1), *got;

    CHECK(model_copy_make(SD15, dir, sizeof dir));
    copy_file(TAESD, "config.json");
    copy_file(TAESD, "diffusion_pytorch_model.safetensors");
    own = open_model(dir);
    CHECK_STR(ltd_model_info(own)->vae, "");
    got = draw_as_planned(__LINE__, own, &p, 1);
    CHECK(same_pixels(got, want));
    ltd_image_free(got);
    ltd_image_free(want);
    ltd_model_close(own);
    ltd_model_close(separate);
    model_copy_remove(dir);
}

TEST(a_decoder_alone_begins_with_noise)
{
    struct findings found = {.errors = ""};
    struct ltd_error err = {.message = ""};
    struct ltd_gen_params p;
    struct ltd_model *model;
    char encoder[2048];

    CHECK(model_copy_make(FIXTURES "taesd-xl/vae", dir, sizeof dir));
    snprintf(encoder, sizeof encoder, "%s/tiny_encoder.safetensors", dir);
    CHECK(unlink(encoder) == 0);
    model = open_model_with(SD15, dir);
    p = request(model);
    CHECK(ltd_params_check(model, &p, note, &found));
    p.hr_scale = 2;
    p.strength = 0.5;
    CHECK(ltd_params_check(model, &p, note, &found));
    p.hr_upscaler = LTD_HR_LANCZOS;
    CHECK(!ltd_params_check(model, &p, note, &found));
    CHECK(strstr(found.errors, "hr_upscaler must be latent or latent_nearest"));
    p = request(model);
    p.init_image = &picture;
    CHECK(!ltd_params_check(model, &p, note, &found));
    CHECK(strstr(found.errors, "image cannot be begun with"));
    ltd_model_close(model);
    CHECK_INT(ltd_model_open_with(FIXTURES "inpaint-xl/model", dir, &model, &err), LTD_EUNSUPPORTED);
    CHECK(strstr(err.message, "it has no encoder"));
    model_copy_remove(dir);
}

TEST(a_tiny_vae_stays_within_the_plan_whatever_the_number_of_threads)
{
    struct ltd_model *model = open_model_with(SD15, TAESD);

    for (int from_image = 0; from_image < 2; from_image++) {
        struct ltd_gen_params p = request(model);
        struct ltd_image *want;

        p.init_image = from_image ? &picture : NULL;
        p.tiling = !from_image;
        want = draw_as_planned(__LINE__, model, &p, 1);
        for (int threads = 2; threads < 4; threads++) {
            struct ltd_image *got = draw_as_planned(__LINE__, model, &p, threads);

            CHECK(same_pixels(got, want));
            ltd_image_free(got);
        }
        ltd_image_free(want);
    }
    ltd_model_close(model);
}

/* Cancels at the phase. */
struct canceler {
    atomic_bool cancel;
    enum ltd_phase phase;
};

static void cancel_at(void *arg, enum ltd_phase phase, int done, int total)
{
    struct canceler *c = arg;

    (void)done, (void)total;
    if (phase == c->phase)
        atomic_store(&c->cancel, true);
}

TEST(a_tiny_vae_can_be_canceled)
{
    static const enum ltd_phase phases[] = {LTD_PHASE_ENCODE, LTD_PHASE_DECODE};
    struct ltd_model *model = open_model_with(SD15, TAESD);
    struct ltd_session *s = new_session(model, 2);
    struct ltd_gen_params p = request(model);

    p.init_image = &picture;
    for (size_t i = 0; i < COUNT(phases); i++) {
        struct canceler c = {false, phases[i]};
        const struct ltd_watch watch = {.progress = cancel_at, .arg = &c, .cancel = &c.cancel};
        struct ltd_image *image = NULL;

        CHECK_INT(ltd_session_generate(s, &p, 0, &watch, &image, NULL, NULL), LTD_ECANCELED);
        CHECK(image == NULL);
    }
    ltd_session_free(s);
    ltd_model_close(model);
}

TEST(settings_tell_the_vae)
{
    static const char *const rows[][2] = {{"tiny", ", VAE: tiny, "},
                                          {"a, \"b\": c\\", ", VAE: \"a, \\\"b\\\": c\\\\\", "},
                                          {"\xFF\n", ", VAE: ??, "}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct ltd_picture_form form = {.format = LTD_PICTURE_PNG};
        struct ltd_gen_params p;
        struct ltd_model *model;
        char path[2048], *text;

        CHECK(model_copy_make(TAESD, dir, sizeof dir));
        snprintf(path, sizeof path, "%s/%s", dir, rows[i][0]);
        CHECK(symlink(dir, path) == 0);
        model = open_model_with(SD15, path);
        p = request(model);
        text = ltd_params_text(model, &p, 0, &form, (struct ltd_model_label){0});
        REQUIRE(text != NULL);
        if (!strstr(text, rows[i][1]))
            check_failed(__FILE__, __LINE__, "%s has no '%s'", text, rows[i][1]);
        free(text);
        ltd_model_close(model);
        model_copy_remove(dir);
    }
}
