/*
 * test_parity_noise.c - do the tensor cases notice a wrong weight?  Adds 5 % noise to each tensor of each
 * fixture's model in turn and asks that a tensor case of that network fails.
 *
 *   test_parity_noise [FIXTURE_FOLDER...]    without any: all fixtures that have a model, or a VAE, of their
 * own, in a folder
 *
 * Of a model in one file test_single_file holds every tensor to the folder's, to the last bit.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"
#include "model_copy.h"
#include "tensor_noise.h"

static int failures;

struct open_parts {
    struct clip_text *text;
    struct unet *unet;
    struct vae *vae;
};

static bool open_part(struct open_parts *p, const char *part, const char *dir)
{
    struct ltd_error err = {.message = ""};
    enum ltd_status st;

    *p = (struct open_parts){NULL, NULL, NULL};
    if (strncmp(part, "text_encoder", 12) == 0)
        st = clip_text_open(dir, BIND_RUN, NULL, &p->text, &err);
    else if (strcmp(part, "unet") == 0)
        st = unet_open(dir, BIND_RUN, NULL, &p->unet, &err);
    else
        st = vae_open(dir, BIND_RUN, NULL, &p->vae, &err);
    if (st != LTD_OK)
        printf("# %s\n", err.message);
    return st == LTD_OK;
}

static void close_parts(struct open_parts *p)
{
    clip_text_close(p->text);
    unet_close(p->unet);
    vae_close(p->vae);
}

/* Does any tensor case of the part go beyond its tolerance? */
static bool noticed(const struct fixture *f, const char *part, const char *dir)
{
    struct open_parts open;
    struct parts parts;
    bool found = false;

    if (!open_part(&open, part, dir))
        return false;
    parts = (struct parts){open.text, open.text, open.unet, open.vae};
    for (const struct ltd_json *c = ltd_json_first(fixture_cases(f)); c && !found; c = ltd_json_next(c))
        if (case_part(c) && strcmp(case_part(c), part) == 0)
            found = case_error(f, c, &parts) > TENSOR_TOLERANCE;
    close_parts(&open);
    return found;
}

struct spoiled {
    const struct fixture *f;
    const char *part, *dir;
};

static bool is_noticed(void *arg)
{
    const struct spoiled *s = arg;

    return noticed(s->f, s->part, s->dir);
}

static void try_file(const struct fixture *f, const char *fixture, const char *part, const char *dir,
                     const char *file)
{
    struct spoiled spoiled = {f, part, dir};
    char path[4400], label[600];

    snprintf(path, sizeof path, "%s/%s", dir, file);
    snprintf(label, sizeof label, "%s/%s", fixture, part);
    failures += tensor_noise_try(path, label, is_noticed, &spoiled);
}

/* Stable Diffusion 1 and 2 have no second text encoder, XL's refiner has no first one. */
static bool has_part(const struct fixture *f, const char *part)
{
    char path[4200];

    if (strncmp(part, "text_encoder", 12) != 0)
        return true;
    snprintf(path, sizeof path, "%s/text_encoder_2", f->model_dir);
    if (strcmp(part, "text_encoder_2") == 0 || access(path, R_OK) == 0)
        snprintf(path, sizeof path, "%s/%s", f->model_dir, part);
    else
        return true;
    return access(path, R_OK) == 0;
}

/* from: the part's folder. */
static void try_part(const struct fixture *f, const char *fixture, const char *part, const char *from)
{
    const struct dirent *entry;
    char dir[4096];
    DIR *folder;

    if (!model_copy_make(from, dir, sizeof dir) || !(folder = opendir(dir))) {
        printf("not ok %s/%s can be copied\n", fixture, part);
        failures++;
        return;
    }
    while ((entry = readdir(folder)))
        if (strstr(entry->d_name, ".safetensors") && !strstr(entry->d_name, ".json"))
            try_file(f, fixture, part, dir, entry->d_name);
    closedir(folder);
    model_copy_remove(dir);
}

/* The VAE that stands in place of the model's own, or all parts of a model that is the fixture's. */
static void try_parts(const struct fixture *f, const char *name)
{
    static const char *const parts[] = {"text_encoder", "text_encoder_2", "unet", "vae"};
    char from[4200];

    if (*f->vae) {
        try_part(f, name, "vae", f->vae);
        return;
    }
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && !ltd_json_get(f->json, "file"); i++) {
        snprintf(from, sizeof from, "%s/%s", f->model_dir, parts[i]);
        if (has_part(f, parts[i]))
            try_part(f, name, parts[i], from);
    }
}

static void try_fixture(const char *dir)
{
    struct fixture f;
    struct ltd_error err;

    if (fixture_open(&f, dir, 1, &err) != LTD_OK) {
        printf("# %s\nnot ok %s opens\n", err.message, dir);
        failures++;
        return;
    }
    try_parts(&f, strrchr(dir, '/') ? strrchr(dir, '/') + 1 : dir);
    fixture_close(&f);
}

int main(int argc, char **argv)
{
    const char *root = "tests/parity/fixtures";
    struct dirent **entries = NULL;
    int count;

    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < argc; i++)
        try_fixture(argv[i]);
    if (argc > 1)
        return failures > 0;
    count = scandir(root, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char dir[1024], model[1100], vae[1100];

        snprintf(dir, sizeof dir, "%s/%s", root, entries[i]->d_name);
        snprintf(model, sizeof model, "%s/model/unet", dir);
        snprintf(vae, sizeof vae, "%s/vae/config.json", dir);
        if (entries[i]->d_name[0] != '.' && (access(model, R_OK) == 0 || access(vae, R_OK) == 0))
            try_fixture(dir);
        free(entries[i]);
    }
    free(entries);
    return failures > 0 || count <= 2;
}
