/* test_upscale.c - pictures made larger: tiles, plans, cancelling, and files that are no upscalers. */
#include <latentd/upscale.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "changed_model.h"
#include "check.h"
#include "model_copy.h"
#include "pipeline/upscale_tiles.h"
#include "random_values.h"
#include "run_exec.h"
#include "sessions.h"

#define NETS "tests/parity/fixtures/upscale/upscalers"

/* What a tiled picture may be off, of 255 levels, where the networks of the fixture look beyond the halo. */
#define TILED_LEVELS 1

static struct ltd_upscalers *open_upscalers(const char *dir)
{
    struct ltd_upscalers *u = NULL;
    struct ltd_error err = {.message = ""};

    if (ltd_upscalers_open(dir, &u, &err) != LTD_OK) {
        fprintf(stderr, "%s\n", err.message);
        abort();
    }
    return u;
}

/* Soft shapes with some grain. */
static struct ltd_image *make_image(int width, int height)
{
    struct ltd_image *image = NULL;
    uint64_t state = 5;

    if (ltd_image_new(width, height, &image, NULL) != LTD_OK)
        abort();
    for (int i = 0; i < width * height * 3; i++) {
        const double x = i / 3 % width, y = i / 3 / width;

        image->pixels[i] =
            (uint8_t)(127 + 90 * sin(x / 5 + i % 3) * cos(y / 7) + (double)random_size(&state, 0, 30));
    }
    return image;
}

static struct ltd_upscale_params larger(const struct ltd_image *image, const char *upscaler, int factor)
{
    return (struct ltd_upscale_params){.image = image,
                                       .upscaler = upscaler,
                                       .width = factor * image->width,
                                       .height = factor * image->height,
                                       .scale = factor};
}

static struct ltd_image *upscale(const struct ltd_upscalers *u, struct ltd_session *s,
                                 const struct ltd_upscale_params *p, struct ltd_gen_report *report)
{
    struct ltd_image *out = NULL;
    struct ltd_error err = {.message = ""};

    if (ltd_session_upscale(s, u, p, NULL, &out, report, &err) != LTD_OK) {
        fprintf(stderr, "%s\n", err.message);
        abort();
    }
    return out;
}

TEST(the_folder_tells_what_its_files_are)
{
    static const struct {
        const char *name, *architecture;
        int factor;
    } want[] = {{"lanczos", "resample", 0}, {"nearest", "resample", 0}, {"compact-x2", "compact", 2},
                {"compact", "compact", 4},  {"listed-x1", "esrgan", 1}, {"listed-x2", "esrgan", 2},
                {"listed-x8", "esrgan", 8}, {"listed", "esrgan", 4},    {"trunk", "esrgan", 4},
                {"wide", "esrgan", 4},      {"x1", "esrgan", 1},        {"x2", "esrgan", 2},
                {"x4", "esrgan", 4}};
    struct ltd_upscalers *u = open_upscalers(NETS);

    CHECK_INT(ltd_upscalers_count(u), COUNT(want));
    for (size_t i = 0; i < COUNT(want); i++) {
        size_t at = 0;

        while (at < ltd_upscalers_count(u) && strcmp(ltd_upscalers_at(u, at).name, want[i].name) != 0)
            at++;
        REQUIRE(at < ltd_upscalers_count(u));
        CHECK(!ltd_upscalers_at(u, at).refused);
        CHECK_STR(ltd_upscalers_at(u, at).architecture, want[i].architecture);
        CHECK_INT(ltd_upscalers_at(u, at).factor, want[i].factor);
    }
    ltd_upscalers_close(u);
}

/* ---- tiles ---- */

struct whole_run {
    const struct upscale_net *net;
    const struct ltd_image *image;
    float *out; /* [factor h, factor w, 3] */
};

static void run_whole(void *arg, struct exec *e)
{
    const struct whole_run *r = arg;
    const size_t mark = exec_mark(e), f = upscale_net_factor(r->net);
    const size_t h = (size_t)r->image->height, w = (size_t)r->image->width;
    struct tensor x = exec_tensor(e, 1, h, w, 3), y = exec_tensor(e, 1, f * h, f * w, 3);

    for (size_t i = 0; !exec_is_dry(e) && i < tensor_count(x); i++)
        x.data[i] = (float)r->image->pixels[i] / 255.0f;
    upscale_net_forward(r->net, e, y, x);
    if (!exec_is_dry(e))
        memcpy(r->out, y.data, tensor_count(y) * sizeof(float));
    exec_rewind(e, mark);
}

/* The largest difference, in levels, between a picture in tiles and the network on the whole of it. */
static double tiled_difference(const char *name, const struct ltd_image *image, const struct ltd_image *tiled)
{
    const size_t count = (size_t)tiled->width * (size_t)tiled->height * 3;
    struct whole_run r = {.image = image, .out = allocate(count, sizeof *r.out)};
    struct upscale_net *net = NULL;
    struct pool *pool = NULL;
    double most = 0;
    char path[300];

    snprintf(path, sizeof path, NETS "/%s.safetensors", name);
    if (upscale_net_open(path, BIND_RUN, &net, NULL) != LTD_OK || pool_new(2, &pool, NULL) != LTD_OK)
        abort();
    r.net = net;
    CHECK(run_exec_in(pool, true, run_whole, &r));
    for (size_t i = 0; i < count; i++) {
        const float level = nearbyintf(fminf(fmaxf(r.out[i], 0.0f), 1.0f) * 255.0f);

        most = fmax(most, fabs((double)level - tiled->pixels[i]));
    }
    pool_free(pool);
    upscale_net_close(net);
    free(r.out);
    return most;
}

TEST(tiles_are_nearly_the_whole_picture)
{
    static const struct {
        const char *name;
        int width, height, factor;
        size_t tiles;
    } rows[] = {{"x4", 300, 40, 4, 2},
                {"listed-x2", 40, 530, 2, 3},
                {"x2", 520, 24, 2, 2},
                {"compact", 270, 260, 4, 4},
                {"x4", 256, 40, 4, 1}};
    struct ltd_upscalers *u = open_upscalers(NETS);
    struct ltd_session *s = new_session(NULL, 2);

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ltd_image *image = make_image(rows[i].width, rows[i].height), *tiled;
        struct ltd_upscale_params p = larger(image, rows[i].name, rows[i].factor);
        struct ltd_cost cost;
        double off;

        p.numerics = LTD_NUMERICS_STRICT;
        CHECK_INT(ltd_upscale_cost(u, &p, 2, &cost, NULL), LTD_OK);
        CHECK_INT(cost.evaluations, rows[i].tiles);
        tiled = upscale(u, s, &p, NULL);
        off = tiled_difference(rows[i].name, image, tiled);
        printf("# %s: tiles are %g levels off at most\n", rows[i].name, off);
        /* Bands of the last layers, and a single tile, are the whole picture exactly. */
        CHECK(off <= (rows[i].tiles > 1 ? TILED_LEVELS : 0));
        ltd_image_free(image);
        ltd_image_free(tiled);
    }
    ltd_session_free(s);
    ltd_upscalers_close(u);
}

TEST(any_number_of_threads_gives_the_same_bytes)
{
    struct ltd_upscalers *u = open_upscalers(NETS);
    struct ltd_image *image = make_image(280, 37), *want = NULL;

    for (int threads = 1; threads <= 5; threads += 2) {
        struct ltd_session *s = new_session(NULL, threads);
        const struct ltd_upscale_params p = larger(image, "wide", 4);
        struct ltd_image *got = upscale(u, s, &p, NULL);

        if (want)
            CHECK(same_pixels(got, want));
        ltd_image_free(want);
        want = got;
        ltd_session_free(s);
    }
    ltd_image_free(want);
    ltd_image_free(image);
    ltd_upscalers_close(u);
}

/* ---- plans ---- */

TEST(what_is_planned_is_used)
{
    static const char *const names[] = {"x4", "x2", "x1", "listed-x8", "wide", "compact", "lanczos"};
    struct ltd_upscalers *u = open_upscalers(NETS);
    struct ltd_session *s = new_session(NULL, 2);
    struct ltd_image *image = make_image(67, 41);

    for (size_t i = 0; i < COUNT(names); i++) {
        struct ltd_upscale_params p = larger(image, names[i], 3);
        struct ltd_gen_report report;
        struct ltd_cost cost;

        p.upscaler_2 = i % 2 ? "compact-x2" : NULL;
        p.visibility_2 = 0.5;
        CHECK_INT(ltd_upscale_cost(u, &p, 2, &cost, NULL), LTD_OK);
        ltd_image_free(upscale(u, s, &p, &report));
        CHECK_INT(report.planned_bytes, cost.scratch_bytes);
        CHECK_INT(report.used_bytes, cost.scratch_bytes);
        CHECK((cost.step_flop > 0) == (cost.evaluations > 0));
    }
    ltd_image_free(image);
    ltd_session_free(s);
    ltd_upscalers_close(u);
}

TEST(memory_does_not_grow_with_the_picture)
{
    struct ltd_upscalers *u = open_upscalers(NETS);
    struct ltd_image *small = make_image(600, 600), *large = make_image(1800, 1500);
    struct ltd_upscale_params p = larger(small, "x4", 4);
    struct ltd_cost first, second;

    CHECK_INT(ltd_upscale_cost(u, &p, 2, &first, NULL), LTD_OK);
    p = larger(large, "x4", 4);
    CHECK_INT(ltd_upscale_cost(u, &p, 2, &second, NULL), LTD_OK);
    CHECK((double)second.scratch_bytes < 1.5 * (double)first.scratch_bytes);
    CHECK(second.evaluations > 4 * first.evaluations);
    ltd_image_free(small);
    ltd_image_free(large);
    ltd_upscalers_close(u);
}

struct watched {
    atomic_bool cancel;
    int cancel_at, calls, done, total;
};

static void on_progress(void *arg, enum ltd_phase phase, int done, int total)
{
    struct watched *w = arg;

    CHECK(phase == LTD_PHASE_SAMPLE && done == w->calls);
    w->calls++;
    w->done = done;
    w->total = total;
    if (done == w->cancel_at)
        atomic_store(&w->cancel, true);
}

TEST(a_watch_counts_tiles_and_can_cancel)
{
    struct ltd_upscalers *u = open_upscalers(NETS);
    struct ltd_session *s = new_session(NULL, 2);
    struct ltd_image *image = make_image(300, 300), *out = NULL;
    const struct ltd_upscale_params p = larger(image, "listed-x2", 2);

    for (int at = -1; at < 4; at += 1 + (at >= 0)) {
        struct watched w = {.cancel_at = at};
        const struct ltd_watch watch = {.progress = on_progress, .arg = &w, .cancel = &w.cancel};
        struct ltd_error err = {0};

        CHECK_INT(ltd_session_upscale(s, u, &p, &watch, &out, NULL, &err), at < 0 ? LTD_OK : LTD_ECANCELED);
        CHECK_INT(w.total, 4);
        CHECK_INT(w.done, at < 0 ? 4 : at);
        CHECK((out != NULL) == (at < 0));
        ltd_image_free(out);
        out = NULL;
    }
    ltd_image_free(image);
    ltd_session_free(s);
    ltd_upscalers_close(u);
}

/* ---- what is refused ---- */

TEST(requests_that_cannot_be_met_are_refused)
{
    struct ltd_upscalers *u = open_upscalers(NETS);
    struct ltd_image *image = make_image(8, 8), *row = make_image(9000, 1);
    const struct ltd_upscale_params good = larger(image, "x4", 4);
    struct ltd_upscale_params p = good;
    struct ltd_error err;

    CHECK_INT(ltd_upscale_check(u, &p, &err), LTD_OK);
    CHECK_INT(ltd_upscale_pixels(u, &p), 32 * 32);
    p.width = 5;
    p.height = 33;
    CHECK_INT(ltd_upscale_pixels(u, &p), 128 * 128);
    p = good;
    p.upscaler = "nobody";
    CHECK_INT(ltd_upscale_check(u, &p, &err), LTD_EINVAL);
    CHECK_STR(err.message, "there is no upscaler \"nobody\"");
    p = good;
    p.upscaler_2 = "nobody";
    CHECK_INT(ltd_upscale_check(u, &p, &err), LTD_EINVAL);
    p = good;
    p.visibility_2 = NAN;
    CHECK_INT(ltd_upscale_check(u, &p, &err), LTD_EINVAL);
    p = good;
    p.width = 0;
    CHECK_INT(ltd_upscale_check(u, &p, &err), LTD_EINVAL);
    p = good;
    p.crop_width = 33;
    p.crop_height = 1;
    CHECK_INT(ltd_upscale_check(u, &p, &err), LTD_EINVAL);
    p = good;
    p.image = row;
    p.width = 60000;
    CHECK_INT(ltd_upscale_check(u, &p, &err), LTD_ETOOBIG);
    CHECK_STR(err.message, "upscaler \"x4\" would make a picture of 576000 x 64 on the way; send a smaller "
                           "one, or ask for less");
    ltd_image_free(image);
    ltd_image_free(row);
    ltd_upscalers_close(u);
}

static void turn_shape(struct weight *w)
{
    const size_t rows = w->dim[0];

    w->dim[0] = w->dim[1];
    w->dim[1] = rows;
}

static void spoil_value(struct weight *w)
{
    static float values[6 * 6 * 9];

    REQUIRE(w->count == COUNT(values) && w->dtype == DTYPE_F32);
    values[7] = INFINITY;
    w->data = values;
}

static void write_text(const char *dir, const char *name, const char *text)
{
    char path[4200];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    CHECK(file_write(path, text, strlen(text)));
}

static void check_refused(const struct ltd_upscalers *u, const char *name, const char *why)
{
    for (size_t i = 0; i < ltd_upscalers_count(u); i++)
        if (strcmp(ltd_upscalers_at(u, i).name, name) == 0) {
            const char *refused = ltd_upscalers_at(u, i).refused;

            if (!refused || !strstr(refused, why))
                check_failed(__FILE__, __LINE__, "%s: \"%s\" does not say \"%s\"", name,
                             refused ? refused : "(not refused)", why);
            return;
        }
    check_failed(__FILE__, __LINE__, "%s is not there", name);
}

TEST(files_that_are_no_upscalers_are_refused_by_name)
{
    static const char *const bad[] = {"x4", "x2", "trunk", "compact", "listed", "listed-x1"};
    struct file_bytes bytes = {NULL, 0};
    struct ltd_upscalers *u;
    char dir[4096], path[COUNT(bad)][4200];

    REQUIRE(model_copy_make(NETS, dir, sizeof dir));
    for (size_t i = 0; i < COUNT(bad); i++)
        snprintf(path[i], sizeof path[i], "%s/%s.safetensors", dir, bad[i]);
    REQUIRE(file_read(path[0], &bytes));
    CHECK(file_write(path[0], bytes.data, bytes.size - 100));
    CHECK(change_tensor(path[1], "conv_body.weight", turn_shape));
    CHECK(change_tensor(path[1], "body.0.rdb2.conv3.weight", turn_shape));
    CHECK(drop_tensor(path[2], "RRDB_trunk.1.RDB2.conv3.bias"));
    CHECK(drop_tensor(path[3], "body.4.weight"));
    CHECK(change_tensor(path[4], "model.1.sub.2.weight", spoil_value));
    CHECK(drop_tensor(path[5], "model.4.weight"));
    write_text(dir, "pickle.pth", "x");
    write_text(dir, "nearest.safetensors", "x");
    write_text(dir, "text.safetensors", "no safetensors at all");
    u = open_upscalers(dir);
    check_refused(u, "x4", "");
    check_refused(u, "x2",
                  "tensor body.0.rdb2.conv3.weight has shape [14, 4, 3, 3], but the rest of the file "
                  "asks for [4, 14, 3, 3]");
    check_refused(u, "trunk", "tensor body.1.rdb2.conv3.bias [4] is missing");
    check_refused(u, "compact", "tensor body.4.weight [6, 6, 3, 3] is missing");
    check_refused(u, "listed-x1", "");
    check_refused(u, "pickle", "a pickle (.pth) is never read; convert it");
    check_refused(u, "text", "");
    /* The built-in one of that name can be used; values are looked at when a job needs them. */
    CHECK_STR(ltd_upscalers_at(u, 1).name, "nearest");
    CHECK(!ltd_upscalers_at(u, 1).refused);
    {
        struct ltd_session *s = new_session(NULL, 1);
        struct ltd_image *image = make_image(8, 8), *out = NULL;
        const struct ltd_upscale_params p = larger(image, "listed", 4), refused = larger(image, "x4", 4);
        struct ltd_error err;

        CHECK_INT(ltd_session_upscale(s, u, &p, NULL, &out, NULL, &err), LTD_EFORMAT);
        CHECK_STR(err.message,
                  "upscaler \"listed\": upscaler: tensor conv_body.weight has values that are not "
                  "finite");
        CHECK_INT(ltd_upscale_check(u, &refused, &err), LTD_EINVAL);
        CHECK(strncmp(err.message, "\"x4\" cannot be used: ", 21) == 0);
        ltd_image_free(image);
        ltd_session_free(s);
    }
    ltd_upscalers_close(u);
    free(bytes.data);
    model_copy_remove(dir);
}

TEST(other_networks_are_told_from_upscalers)
{
    struct ltd_upscalers *u = open_upscalers("tests/parity/fixtures/controls/controlnets");

    check_refused(u, "file", "is no upscaler that is known here");
    ltd_upscalers_close(u);
}

TEST(a_folder_that_is_not_there_is_an_error)
{
    struct ltd_upscalers *u = NULL;
    struct ltd_error err;

    CHECK_INT(ltd_upscalers_open("tests/nowhere", &u, &err), LTD_ENOTFOUND);
    CHECK(u == NULL);
}

TEST(settings_say_how_a_picture_was_made_larger)
{
    struct ltd_image *image = make_image(8, 8);
    struct ltd_upscale_params p = larger(image, "x4", 4);
    char *text = ltd_upscale_text(&p, NULL);

    CHECK_STR(text, "Postprocess upscale by: 4, Postprocess upscaler: x4");
    free(text);
    p.scale = 0;
    p.upscaler_2 = "lanczos";
    p.visibility_2 = 0.25;
    text = ltd_upscale_text(&p, "a fox\nSteps: 3, Seed: 4");
    CHECK_STR(text, "a fox\nSteps: 3, Seed: 4, Postprocess upscale to: 32x32, Postprocess upscaler: x4, "
                    "Postprocess upscaler 2: lanczos, Postprocess upscaler 2 visibility: 0.25");
    free(text);
    ltd_image_free(image);
}

/* ---- second passes ---- */

TEST(a_second_pass_by_a_network_takes_what_is_planned)
{
    struct ltd_upscalers *u = open_upscalers(NETS);
    struct ltd_model *model = open_model("tests/parity/fixtures/sd15/model");
    struct ltd_gen_params p = ltd_params_default(model);
    struct ltd_image *image;

    p.prompt = "a fox";
    p.negative_prompt = "";
    p.steps = 2;
    p.width = p.height = 24;
    p.strength = 0.5;
    p.hr_scale = 2;
    p.hr_upscaler = LTD_HR_NETWORK;
    CHECK(!ltd_params_check(model, &p, NULL, NULL));
    p.hr_network = "x4";
    CHECK(!ltd_params_check(model, &p, NULL, NULL));
    ltd_model_use_upscalers(model, u);
    CHECK(ltd_params_check(model, &p, NULL, NULL));
    image = draw_as_planned(__LINE__, model, &p, 2);
    CHECK(image && image->width == 48 && image->height == 48);
    p.hr_upscaler = LTD_HR_LANCZOS;
    CHECK(!ltd_params_check(model, &p, NULL, NULL));
    ltd_image_free(image);
    ltd_model_close(model);
    ltd_upscalers_close(u);
}
