/* sessions.c - what tests of generations begin with. */
#include "sessions.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "random_values.h"

static struct ltd_model *model;

__attribute__((destructor)) static void close_model(void)
{
    ltd_model_close(model);
}

struct ltd_model *open_model(const char *path)
{
    return open_model_with(path, NULL);
}

struct ltd_model *open_model_with(const char *path, const char *vae)
{
    struct ltd_model *opened = NULL;
    struct ltd_error err;

    if (ltd_model_open_with(path, vae, &opened, &err) != LTD_OK) {
        fprintf(stderr, "%s\n", err.message);
        abort();
    }
    return opened;
}

const struct ltd_model *default_model(void)
{
    if (!model)
        model = open_model("models/default");
    return model;
}

struct ltd_gen_params small_request(void)
{
    struct ltd_gen_params p = ltd_params_default(default_model());

    p.prompt = "3d tiger";
    p.seed = 7;
    p.steps = 2;
    p.width = 32;
    p.height = 24;
    return p;
}

struct ltd_session *new_session(const struct ltd_model *m, int threads)
{
    struct ltd_session *s = NULL;
    struct ltd_error err;

    if (ltd_session_new(m, threads, &s, &err) != LTD_OK) {
        fprintf(stderr, "%s\n", err.message);
        abort();
    }
    return s;
}

struct ltd_image *random_image(uint64_t seed, int width, int height)
{
    struct ltd_image *image = NULL;

    if (ltd_image_new(width, height, &image, NULL) != LTD_OK)
        abort();
    for (int i = 0; i < width * height * 3; i++)
        image->pixels[i] = (uint8_t)random_next(&seed);
    return image;
}

struct ltd_image *draw_as_planned(int line, const struct ltd_model *m, const struct ltd_gen_params *p,
                                  int threads)
{
    struct ltd_session *s = new_session(m, threads);
    struct ltd_gen_report report = {0};
    struct ltd_image *image = NULL;
    struct ltd_error err = {.message = ""};

    if (ltd_session_generate(s, p, 0, NULL, &image, &report, &err) != LTD_OK)
        check_failed(__FILE__, line, "%s", err.message);
    else if (report.used_bytes == 0 || report.used_bytes != report.planned_bytes)
        check_failed(__FILE__, line, "planned %zu bytes, used %zu", report.planned_bytes, report.used_bytes);
    ltd_session_free(s);
    return image;
}

bool same_pixels(const struct ltd_image *a, const struct ltd_image *b)
{
    return a && b && a->width == b->width && a->height == b->height &&
           memcmp(a->pixels, b->pixels, (size_t)a->width * (size_t)a->height * 3) == 0;
}
