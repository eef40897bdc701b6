#include "fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernels/gemm.h"

enum ltd_status fixture_open(struct fixture *f, const char *dir, int threads, struct ltd_error *err)
{
    char path[4096];
    enum ltd_status st;

    *f = (struct fixture){0};
    snprintf(f->dir, sizeof f->dir, "%s", dir);
    snprintf(path, sizeof path, "%s/cases.json", dir);
    gemm_init();
    st = ltd_json_read_file(path, 64 << 20, &f->json, err);
    if (st == LTD_OK) {
        const char *model = ltd_json_string(ltd_json_get(f->json, "model"));
        const char *file = ltd_json_string(ltd_json_get(f->json, "file"));
        const char *vae = ltd_json_string(ltd_json_get(f->json, "vae"));

        if (vae)
            snprintf(f->vae, sizeof f->vae, "%s/%s", dir, vae);
        snprintf(f->model_dir, sizeof f->model_dir, "%s/%s", dir, file ? file : model ? model : "model");
        snprintf(path, sizeof path, "%s/tensors.safetensors", dir);
        st = weight_set_open_file(path, &f->tensors, err);
    }
    if (st == LTD_OK)
        st = pool_new(threads, &f->pool, err);
    if (st != LTD_OK)
        fixture_close(f);
    return st;
}

void fixture_close(struct fixture *f)
{
    pool_free(f->pool);
    weight_set_close(f->tensors);
    ltd_json_free(f->json);
    *f = (struct fixture){0};
}

/* None of them may be refused. */
static enum ltd_status add_embeddings(const struct fixture *f, struct ltd_model *model, struct ltd_error *err)
{
    char path[4096];
    enum ltd_status st = LTD_OK;

    snprintf(path, sizeof path, "%s/embeddings", f->dir);
    if (access(path, R_OK) == 0)
        st = ltd_model_add_embeddings(model, path, err);
    for (size_t i = 0; st == LTD_OK && i < ltd_model_embedding_count(model); i++)
        if (ltd_model_embedding(model, i).refused)
            st = ltd_fail(err, LTD_EFORMAT, "%s", ltd_model_embedding(model, i).refused);
    return st;
}

static enum ltd_status add_loras(const struct fixture *f, struct ltd_model *model, struct ltd_error *err)
{
    char path[4096];
    enum ltd_status st = LTD_OK;

    snprintf(path, sizeof path, "%s/loras", f->dir);
    if (access(path, R_OK) == 0)
        st = ltd_model_add_loras(model, path, err);
    for (size_t i = 0; st == LTD_OK && i < ltd_model_lora_count(model); i++)
        if (ltd_model_lora(model, i).refused)
            st = ltd_fail(err, LTD_EFORMAT, "%s", ltd_model_lora(model, i).refused);
    return st;
}

static enum ltd_status add_control_nets(const struct fixture *f, struct ltd_model *model,
                                        struct ltd_error *err)
{
    char path[4096];
    enum ltd_status st = LTD_OK;

    snprintf(path, sizeof path, "%s/controlnets", f->dir);
    if (access(path, R_OK) == 0)
        st = ltd_model_add_control_nets(model, path, err);
    for (size_t i = 0; st == LTD_OK && i < ltd_model_control_net_count(model); i++)
        if (ltd_model_control_net(model, i).refused)
            st = ltd_fail(err, LTD_EFORMAT, "%s", ltd_model_control_net(model, i).refused);
    return st;
}

enum ltd_status fixture_open_model(const struct fixture *f, struct ltd_model **out, struct ltd_error *err)
{
    struct ltd_model *model = NULL;
    enum ltd_status st = ltd_model_open_with(f->model_dir, *f->vae ? f->vae : NULL, &model, err);

    if (st == LTD_OK)
        st = add_embeddings(f, model, err);
    if (st == LTD_OK)
        st = add_loras(f, model, err);
    if (st == LTD_OK)
        st = add_control_nets(f, model, err);
    if (st == LTD_OK)
        *out = model;
    else
        ltd_model_close(model);
    return st;
}

const struct ltd_json *fixture_cases(const struct fixture *f)
{
    return ltd_json_get(f->json, "cases");
}

const char *case_text(const struct ltd_json *c, const char *key)
{
    const char *text = ltd_json_string(ltd_json_get(c, key));

    return text ? text : "";
}

double case_number(const struct ltd_json *c, const char *key, double absent)
{
    const struct ltd_json *v = ltd_json_get(c, key);

    return v ? ltd_json_number(v) : absent;
}

const char *case_part(const struct ltd_json *c)
{
    const char *kind = case_text(c, "kind");

    if (strncmp(kind, "text", 4) == 0)
        return *case_text(c, "encoder") ? case_text(c, "encoder") : "text_encoder";
    if (strcmp(kind, "unet") == 0)
        return "unet";
    return strncmp(kind, "vae", 3) == 0 ? "vae" : NULL;
}

float *fixture_load(const struct fixture *f, const struct ltd_json *c, const char *key,
                    const struct weight **w)
{
    float *values;

    *w = weight_set_find(f->tensors, case_text(c, key));
    values = *w ? malloc((*w)->count * sizeof *values + 1) : NULL;
    if (values)
        memcpy(values, (*w)->data, (*w)->count * sizeof *values);
    return values;
}

/* [n, c, h, w] -> [n, h, w, c], or back: rows and columns of one item change places. */
static void swap_axes(float *out, const float *in, size_t items, size_t rows, size_t columns)
{
    for (size_t n = 0; n < items; n++)
        for (size_t r = 0; r < rows; r++)
            for (size_t k = 0; k < columns; k++)
                out[(n * columns + k) * rows + r] = in[(n * rows + r) * columns + k];
}

bool operand_load(struct operand *o, const struct fixture *f, const struct ltd_json *c, const char *key)
{
    size_t pixels;

    o->values = fixture_load(f, c, key, &o->w);
    if (!o->values)
        return false;
    if (o->w->rank == 3) {
        o->t = (struct tensor){o->values, o->w->dim[0], o->w->dim[1], 1, o->w->dim[2]};
        return true;
    }
    o->t = (struct tensor){malloc(o->w->count * sizeof(float)), o->w->dim[0], o->w->dim[2], o->w->dim[3],
                           o->w->dim[1]};
    pixels = o->t.h * o->t.w;
    if (!o->t.data)
        return false;
    swap_axes(o->t.data, o->values, o->t.n, o->t.c, pixels);
    return true;
}

void operand_free(struct operand *o)
{
    if (o->t.data != o->values)
        free(o->t.data);
    free(o->values);
}
struct ltd_image *load_image(const struct fixture *f, const struct ltd_json *c, const char *key)
{
    const struct weight *w;
    float *values = fixture_load(f, c, key, &w);
    struct ltd_image *image = NULL;

    if (values && w->rank == 3 && ltd_image_new((int)w->dim[1], (int)w->dim[0], &image, NULL) == LTD_OK)
        for (size_t i = 0; i < w->count; i++)
            image->pixels[i] = (uint8_t)values[i];
    free(values);
    return image;
}

bool compare_pictures(const struct ltd_image *got, const struct ltd_image *want, bool strict, char *detail,
                      size_t size)
{
    const size_t n = (size_t)want->width * (size_t)want->height * 3;
    double squares = 0, psnr;
    size_t different = 0;
    int largest = 0;

    if (got->width != want->width || got->height != want->height) {
        snprintf(detail, size, "%d x %d pixels, not %d x %d", got->width, got->height, want->width,
                 want->height);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const int d = abs((int)got->pixels[i] - (int)want->pixels[i]);

        different += d != 0;
        largest = d > largest ? d : largest;
        squares += (double)d * d;
    }
    psnr = squares > 0 ? 10 * log10(255 * 255 * (double)n / squares) : INFINITY;
    snprintf(detail, size, "%d levels off, %.3f %% of values different, %.1f dB", largest,
             100.0 * (double)different / (double)n, psnr);
    if (!strict)
        return psnr >= PICTURE_PSNR;
    return largest <= PICTURE_LEVELS && (double)different <= PICTURE_DIFFERENT * (double)n;
}
