/*
 * test_parity_noise.c - do the tensor cases notice a wrong weight?  Adds 5 % noise to each tensor of each
 * fixture's model in turn and asks that a tensor case of that network fails.
 *
 *   test_parity_noise [FIXTURE_FOLDER...]    without any: all fixtures that have a model of their own, in a
 * folder
 *
 * Of a model in one file test_single_file holds every tensor to the folder's, to the last bit.
 */
#include <dirent.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/torch_rng.h"
#include "fixture.h"
#include "model_copy.h"

#define NOISE 0.05

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
    if (strcmp(part, "text_encoder") == 0)
        st = clip_text_open(dir, NULL, &p->text, &err);
    else if (strcmp(part, "unet") == 0)
        st = unet_open(dir, NULL, &p->unet, &err);
    else
        st = vae_open(dir, NULL, &p->vae, &err);
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
    parts = (struct parts){open.text, open.unet, open.vae};
    for (const struct ltd_json *c = ltd_json_first(fixture_cases(f)); c && !found; c = ltd_json_next(c))
        if (case_part(c) && strcmp(case_part(c), part) == 0)
            found = case_error(f, c, &parts) > TENSOR_TOLERANCE;
    close_parts(&open);
    return found;
}

static float bits_to_float(uint32_t bits)
{
    float f;

    memcpy(&f, &bits, sizeof f);
    return f;
}

static uint32_t float_to_bits(float f)
{
    uint32_t bits;

    memcpy(&bits, &f, sizeof bits);
    return bits;
}

/* The values of weight files are normal numbers or zero, far from the ends of f16's range. */
static float get_value(const unsigned char *p, const char *dtype)
{
    uint32_t bits = 0;

    memcpy(&bits, p, strcmp(dtype, "F32") == 0 ? 4 : 2);
    if (strcmp(dtype, "F32") == 0)
        return bits_to_float(bits);
    if (strcmp(dtype, "BF16") == 0)
        return bits_to_float(bits << 16);
    return bits_to_float((bits & 0x7fff) << 13) * 0x1p112f * (bits & 0x8000 ? -1.0f : 1.0f);
}

static void put_value(unsigned char *p, const char *dtype, float value)
{
    uint32_t bits = float_to_bits(value);

    if (strcmp(dtype, "BF16") == 0)
        bits = (bits + 0x8000) >> 16;
    else if (strcmp(dtype, "F16") == 0)
        bits = ((float_to_bits(fabsf(value) * 0x1p-112f) + 0x1000) >> 13) | (value < 0 ? 0x8000u : 0);
    memcpy(p, &bits, strcmp(dtype, "F32") == 0 ? 4 : 2);
}

/* Adds NOISE times the root mean square of the tensor, normally distributed. */
static void add_noise(unsigned char *data, size_t count, const char *dtype)
{
    const size_t size = strcmp(dtype, "F32") == 0 ? 4 : 2;
    float *noise = malloc(count * sizeof *noise);
    struct torch_rng rng;
    double square = 0;

    torch_rng_init(&rng, 1);
    torch_rng_normal(&rng, noise, count);
    for (size_t i = 0; i < count; i++)
        square += pow((double)get_value(data + i * size, dtype), 2);
    square = sqrt(square / (double)count);
    for (size_t i = 0; i < count; i++)
        put_value(data + i * size, dtype,
                  get_value(data + i * size, dtype) + (float)(NOISE * square) * noise[i]);
    free(noise);
}

struct tensor_place {
    const char *name, *dtype;
    uint64_t begin, end;
};

static bool find_place(const struct ltd_json *entry, struct tensor_place *out)
{
    const struct ltd_json *span = ltd_json_get(entry, "data_offsets");

    out->name = ltd_json_key(entry);
    out->dtype = case_text(entry, "dtype");
    return strcmp(out->name, "__metadata__") != 0 && (out->dtype[0] == 'F' || out->dtype[0] == 'B') &&
           ltd_json_uint64(ltd_json_first(span), &out->begin) &&
           ltd_json_uint64(ltd_json_next(ltd_json_first(span)), &out->end);
}

/* Spoils each tensor of one file of a part in turn. */
static void try_file(const struct fixture *f, const char *fixture, const char *part, const char *dir,
                     const char *file)
{
    struct file_bytes bytes = {NULL, 0};
    struct ltd_json *header = NULL;
    char path[4400];
    uint64_t length = 0;

    snprintf(path, sizeof path, "%s/%s", dir, file);
    if (file_read(path, &bytes) && bytes.size > 8)
        memcpy(&length, bytes.data, 8);
    if (length == 0 || ltd_json_parse((const char *)bytes.data + 8, length, &ltd_json_file_limits, &header,
                                      NULL) != LTD_OK) {
        printf("not ok %s/%s/%s is readable\n", fixture, part, file);
        failures++;
    }
    for (const struct ltd_json *e = ltd_json_first(header); e; e = ltd_json_next(e)) {
        struct tensor_place t;
        unsigned char *data, *good;
        bool caught;

        if (!find_place(e, &t))
            continue;
        data = bytes.data + 8 + length + t.begin;
        good = malloc(t.end - t.begin);
        memcpy(good, data, t.end - t.begin);
        add_noise(data, (t.end - t.begin) / (strcmp(t.dtype, "F32") == 0 ? 4 : 2), t.dtype);
        caught = file_write(path, bytes.data, bytes.size) && noticed(f, part, dir);
        memcpy(data, good, t.end - t.begin);
        free(good);
        printf("%s %s/%s/%s\n", caught ? "ok" : "not ok", fixture, part, t.name);
        failures += !caught;
    }
    file_write(path, bytes.data, bytes.size);
    ltd_json_free(header);
    free(bytes.data);
}

static void try_part(const struct fixture *f, const char *fixture, const char *part)
{
    char from[4200], dir[4096];
    const struct dirent *entry;
    DIR *folder;

    snprintf(from, sizeof from, "%s/%s", f->model_dir, part);
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

static void try_fixture(const char *dir)
{
    static const char *const parts[] = {"text_encoder", "unet", "vae"};
    struct fixture f;
    struct ltd_error err;

    if (fixture_open(&f, dir, 1, &err) != LTD_OK) {
        printf("# %s\nnot ok %s opens\n", err.message, dir);
        failures++;
        return;
    }
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && !ltd_json_get(f.json, "file"); i++)
        try_part(&f, strrchr(dir, '/') ? strrchr(dir, '/') + 1 : dir, parts[i]);
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
        char dir[1024], model[1100];

        snprintf(dir, sizeof dir, "%s/%s", root, entries[i]->d_name);
        snprintf(model, sizeof model, "%s/model/unet", dir);
        if (entries[i]->d_name[0] != '.' && access(model, R_OK) == 0)
            try_fixture(dir);
        free(entries[i]);
    }
    free(entries);
    return failures > 0 || count <= 2;
}
