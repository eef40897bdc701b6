/*
 * test_parity_upscale.c - networks that enlarge pictures, against basicsr's arithmetic in torch
 * (make_upscale_fixtures.py): each by itself, whole pictures, and whether 5 % noise on any one tensor shows.
 */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <latentd/upscale.h>

#include "fixture.h"
#include "model_copy.h"
#include "relative_error.h"
#include "run_exec.h"
#include "tensor_noise.h"
#include "upscale/upscale_net.h"

#define FIXTURE "tests/parity/fixtures/upscale"
#define THREADS 2
/* Tighter than that of other tensors: what a bias of a dense block does is small, and so are these networks'
 * errors (5e-7). */
#define NET_TOLERANCE 2e-5

static int failures;

static void report(bool passed, const char *name, const char *detail)
{
    printf("# %s\n%s upscale/%s\n", detail, passed ? "ok" : "not ok", name);
    failures += !passed;
}

struct net_run {
    const struct upscale_net *net;
    struct tensor x, want;
    double error;
};

static void net_forward(void *arg, struct exec *e)
{
    struct net_run *r = arg;
    const size_t mark = exec_mark(e);
    struct tensor y = exec_like(e, r->want);

    upscale_net_forward(r->net, e, y, r->x);
    if (!exec_is_dry(e))
        r->error = check_relative_error(y.data, r->want.data, tensor_count(y));
    exec_rewind(e, mark);
}

/* The relative error of a case whose networks are in a folder; infinite: it could not be run. */
static double net_error(const struct fixture *f, const struct ltd_json *c, const char *folder, bool strict)
{
    struct operand x = {0}, want = {0};
    struct net_run r = {.error = INFINITY};
    struct upscale_net *net = NULL;
    struct ltd_error err = {.message = "the case lacks something"};
    char path[4200];

    snprintf(path, sizeof path, "%s/%s.safetensors", folder, case_text(c, "upscaler"));
    if (operand_load(&x, f, c, "x") && operand_load(&want, f, c, "out") &&
        upscale_net_open(path, BIND_RUN, &net, &err) == LTD_OK &&
        want.t.h == upscale_net_factor(net) * x.t.h && want.t.w == upscale_net_factor(net) * x.t.w) {
        r.net = net;
        r.x = x.t;
        r.want = want.t;
        run_exec_in(f->pool, strict, net_forward, &r);
    } else {
        printf("# %s\n", err.message);
    }
    upscale_net_close(net);
    operand_free(&x);
    operand_free(&want);
    return r.error;
}

static void try_net(const struct fixture *f, const struct ltd_json *c)
{
    const double strict = net_error(f, c, FIXTURE "/upscalers", true);
    const double standard = net_error(f, c, FIXTURE "/upscalers", false);
    char detail[100];

    snprintf(detail, sizeof detail, "relative error %.2e, in default numerics %.2e", strict, standard);
    report(strict <= NET_TOLERANCE && standard <= LATENT_TOLERANCE_DEFAULT, case_text(c, "name"), detail);
}

static void try_picture(const struct fixture *f, const struct ltd_json *c,
                        const struct ltd_upscalers *upscalers, struct ltd_session *session)
{
    struct ltd_image *image = load_image(f, c, "image"), *want = load_image(f, c, "out"), *got = NULL;
    const char *second = ltd_json_string(ltd_json_get(c, "upscaler_2"));
    struct ltd_upscale_params p = {.image = image,
                                   .upscaler = case_text(c, "upscaler"),
                                   .upscaler_2 = second,
                                   .visibility_2 = case_number(c, "visibility_2", 0),
                                   .width = (int)case_number(c, "width", 0),
                                   .height = (int)case_number(c, "height", 0),
                                   .crop_width = (int)case_number(c, "crop_width", 0),
                                   .crop_height = (int)case_number(c, "crop_height", 0),
                                   .numerics = LTD_NUMERICS_STRICT};
    struct ltd_error err = {.message = "no such picture in the fixture"};
    char detail[600];
    bool passed = false;

    if (image && want && ltd_session_upscale(session, upscalers, &p, NULL, &got, NULL, &err) == LTD_OK)
        passed = compare_pictures(got, want, true, detail, sizeof detail);
    else
        snprintf(detail, sizeof detail, "%s", err.message);
    report(passed, case_text(c, "name"), detail);
    ltd_image_free(image);
    ltd_image_free(want);
    ltd_image_free(got);
}

static void try_cases(const struct fixture *f)
{
    struct ltd_upscalers *upscalers = NULL;
    struct ltd_session *session = NULL;
    struct ltd_error err = {.message = ""};
    bool open = ltd_upscalers_open(FIXTURE "/upscalers", &upscalers, &err) == LTD_OK &&
                ltd_session_new(NULL, THREADS, &session, &err) == LTD_OK;

    report(open, "open", err.message);
    for (const struct ltd_json *c = open ? ltd_json_first(fixture_cases(f)) : NULL; c; c = ltd_json_next(c))
        if (strcmp(case_text(c, "kind"), "net") == 0)
            try_net(f, c);
        else
            try_picture(f, c, upscalers, session);
    ltd_session_free(session);
    ltd_upscalers_close(upscalers);
}

struct spoiled {
    const struct fixture *f;
    const char *folder, *file;
};

static bool is_noticed(void *arg)
{
    const struct spoiled *s = arg;

    for (const struct ltd_json *c = ltd_json_first(fixture_cases(s->f)); c; c = ltd_json_next(c)) {
        const char *name = case_text(c, "upscaler");

        if (strcmp(case_text(c, "kind"), "net") == 0 && strncmp(s->file, name, strlen(name)) == 0 &&
            s->file[strlen(name)] == '.')
            return net_error(s->f, c, s->folder, true) > NET_TOLERANCE;
    }
    return false;
}

static void try_noise(const struct fixture *f)
{
    const struct dirent *entry;
    char dir[4096];
    DIR *folder;

    if (!model_copy_make(FIXTURE "/upscalers", dir, sizeof dir) || !(folder = opendir(dir))) {
        report(false, "copy", "the networks cannot be copied");
        return;
    }
    while ((entry = readdir(folder))) {
        struct spoiled spoiled = {f, dir, entry->d_name};
        char path[4400], label[300];

        if (!strstr(entry->d_name, ".safetensors"))
            continue;
        snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        snprintf(label, sizeof label, "upscale/%s", entry->d_name);
        failures += tensor_noise_try(path, label, is_noticed, &spoiled);
    }
    closedir(folder);
    model_copy_remove(dir);
}

int main(void)
{
    struct fixture f;
    struct ltd_error err;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (fixture_open(&f, FIXTURE, THREADS, &err) != LTD_OK) {
        report(false, "fixture", err.message);
        return 1;
    }
    try_cases(&f);
    try_noise(&f);
    fixture_close(&f);
    return failures > 0;
}
