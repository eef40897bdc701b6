/* inspect.c - a report on a model that may be whole or broken. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pipeline/model_parts.h"
#include "weights/compvis.h"
#include "weights/gguf.h"

static void add_text(struct ltd_json *object, const char *key, const char *text)
{
    ltd_json_add(object, key, ltd_json_new_string(text));
}

static struct ltd_json *shape_json(const struct weight *w)
{
    struct ltd_json *shape = ltd_json_new_array();

    for (int i = 0; i < w->rank; i++)
        ltd_json_append(shape, ltd_json_new_uint64(w->dim[i]));
    return shape;
}

/* tensors, parameters, bytes, dtypes, and the list of all tensors */
static void add_tensors(struct ltd_json *part, const struct weight_set *set)
{
    struct ltd_json *list = ltd_json_new_array(), *dtypes = ltd_json_new_object();
    size_t parameters = 0, by_dtype[DTYPE_COUNT] = {0};

    for (size_t i = 0; i < weight_set_count(set); i++) {
        const struct weight *w = weight_set_at(set, i);
        struct ltd_json *tensor = ltd_json_new_object();

        add_text(tensor, "name", w->name);
        add_text(tensor, "dtype", dtype_name(w->dtype));
        ltd_json_add(tensor, "shape", shape_json(w));
        ltd_json_append(list, tensor);
        parameters += w->count;
        by_dtype[w->dtype]++;
    }
    for (int d = 0; d < DTYPE_COUNT; d++)
        if (by_dtype[d] > 0)
            ltd_json_add(dtypes, dtype_name((enum dtype)d), ltd_json_new_uint64(by_dtype[d]));
    ltd_json_add(part, "tensor_count", ltd_json_new_uint64(weight_set_count(set)));
    ltd_json_add(part, "parameters", ltd_json_new_uint64(parameters));
    ltd_json_add(part, "bytes", ltd_json_new_uint64(weight_set_file_bytes(set)));
    ltd_json_add(part, "dtypes", dtypes);
    ltd_json_add(part, "tensors", list);
}

static void add_weights(struct ltd_json *part, const char *dir, const char *stem)
{
    struct weight_set *set = NULL;
    struct ltd_error err;

    if (weight_set_open(dir, stem, &set, &err) == LTD_OK)
        add_tensors(part, set);
    weight_set_close(set);
}

static enum ltd_status survey_text(const char *dir, struct bind_report *report, struct ltd_error *err)
{
    struct clip_text *ignored;

    return clip_text_open(dir, BIND_RUN, report, &ignored, err);
}

static enum ltd_status survey_unet(const char *dir, struct bind_report *report, struct ltd_error *err)
{
    struct unet *ignored;

    return unet_open(dir, BIND_RUN, report, &ignored, err);
}

static enum ltd_status survey_vae(const char *dir, struct bind_report *report, struct ltd_error *err)
{
    struct vae *ignored;

    return vae_open(dir, BIND_RUN, report, &ignored, err);
}

static const struct part {
    const char *name, *stem;
    enum ltd_status (*survey)(const char *dir, struct bind_report *report, struct ltd_error *err);
} parts[] = {
    {"text_encoder", "model", survey_text},
    {"text_encoder_2", "model", survey_text},
    {"unet", "diffusion_pytorch_model", survey_unet},
    {"vae", "diffusion_pytorch_model", survey_vae},
};

static struct ltd_json *part_json(const char *model, const struct part *p)
{
    struct ltd_json *part = ltd_json_new_object();
    struct bind_report report = {ltd_json_new_array(), ltd_json_new_array(), ltd_json_new_array()};
    struct ltd_error err;
    char dir[4096];

    snprintf(dir, sizeof dir, "%s/%s", model, p->name);
    add_text(part, "name", p->name);
    if (p->survey(dir, &report, &err) != LTD_OK)
        add_text(part, "error", err.message);
    ltd_json_add(part, "missing", report.missing);
    ltd_json_add(part, "misshapen", report.misshapen);
    ltd_json_add(part, "unused", report.unused);
    add_weights(part, dir, p->stem);
    return part;
}

static void add_model(struct ltd_json *report, const struct ltd_model *m)
{
    const struct ltd_model_info *i = &m->info;
    struct ltd_json *defaults = ltd_json_new_object();

    add_text(report, "family", i->family);
    add_text(report, "about", i->about);
    if (*i->vae)
        add_text(report, "vae", i->vae);
    add_text(report, "prediction_type", i->prediction_type);
    add_text(report, "scheduler_class", i->scheduler_class);
    add_text(report, "dtype", i->dtype);
    ltd_json_add(report, "parameters", ltd_json_new_uint64(i->parameters));
    ltd_json_add(report, "bytes", ltd_json_new_uint64(i->file_bytes));
    ltd_json_add(report, "vae_factor", ltd_json_new_uint64((uint64_t)i->vae_factor));
    ltd_json_add(report, "latent_channels", ltd_json_new_uint64((uint64_t)i->latent_channels));
    ltd_json_add(report, "token_limit", ltd_json_new_uint64((uint64_t)i->token_limit));
    ltd_json_add(report, "native_width", ltd_json_new_uint64((uint64_t)i->native_width));
    ltd_json_add(report, "native_height", ltd_json_new_uint64((uint64_t)i->native_height));
    ltd_json_add(defaults, "steps", ltd_json_new_uint64((uint64_t)m->recommended.steps));
    ltd_json_add(defaults, "cfg_scale", ltd_json_new_number(m->recommended.cfg_scale));
    add_text(defaults, "sampler", ltd_sampler_name(m->recommended.sampler));
    add_text(defaults, "scheduler", ltd_scheduler_name(m->recommended.scheduler));
    add_text(defaults, "precision", ltd_precision_name(m->recommended.precision));
    ltd_json_add(defaults, "width", ltd_json_new_uint64((uint64_t)m->recommended.width));
    ltd_json_add(defaults, "height", ltd_json_new_uint64((uint64_t)m->recommended.height));
    ltd_json_add(report, "defaults", defaults);
}

static bool exists(const char *dir, const char *name)
{
    struct stat st;
    char path[4096];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return stat(path, &st) == 0;
}

/* Stable Diffusion 1 and 2 have no second text encoder, XL's refiner has no first one. */
static bool is_expected(const char *path, const struct part *p)
{
    const bool second = exists(path, "text_encoder_2");

    if (strcmp(p->name, "text_encoder") == 0)
        return exists(path, p->name) || !second;
    return strcmp(p->name, "text_encoder_2") != 0 || second;
}

/* A VAE that stands in place of the model's own; model is NULL where it could not be opened. */
static void add_separate_vae(struct ltd_json *list, const struct ltd_model *model)
{
    struct ltd_json *part;

    if (!model)
        return;
    part = ltd_json_new_object();
    add_text(part, "name", "vae");
    add_tensors(part, vae_weights(model->vae));
    ltd_json_append(list, part);
}

static void inspect_folder(const char *path, const char *vae, struct ltd_json *report)
{
    struct ltd_json *list = ltd_json_new_array(), *notes = ltd_json_new_array();
    struct ltd_model *model = NULL;
    struct ltd_error err;
    const enum ltd_status st = ltd_model_open_with(path, vae, &model, &err);

    add_text(report, "kind", "diffusers folder");
    ltd_json_add(report, "loads", ltd_json_new_bool(st == LTD_OK));
    if (st == LTD_OK)
        add_model(report, model);
    else
        add_text(report, "error", err.message);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (is_expected(path, &parts[i]) && !(vae && parts[i].survey == survey_vae))
            ltd_json_append(list, part_json(path, &parts[i]));
    if (vae)
        add_separate_vae(list, model);
    ltd_model_close(model);
    ltd_json_add(report, "parts", list);
    if (exists(path, "safety_checker"))
        ltd_json_append(notes, ltd_json_new_string("safety_checker is there and is not used"));
    if (exists(path, "feature_extractor"))
        ltd_json_append(notes, ltd_json_new_string("feature_extractor is there and is not used"));
    ltd_json_add(report, "notes", notes);
}

/* The file as a part, as a folder's parts are listed. */
static void add_file_part(struct ltd_json *list, const struct weight_set *set)
{
    struct ltd_json *part = ltd_json_new_object();

    add_text(part, "name", "file");
    add_tensors(part, set);
    ltd_json_append(list, part);
}

static enum ltd_status inspect_file(const char *path, const char *vae, struct ltd_json *report,
                                    struct ltd_error *err)
{
    struct ltd_json *list = ltd_json_new_array(), *notes = ltd_json_new_array();
    struct weight_set *set = NULL;
    struct ltd_model *model = NULL;
    struct ltd_error why;
    enum ltd_status st = weight_set_open_model(path, &set, err);

    if (st != LTD_OK) {
        ltd_json_free(list);
        ltd_json_free(notes);
        return st;
    }
    add_text(report, "kind", gguf_is_one(path) ? "GGUF file" : "safetensors file");
    st = ltd_model_open_with(path, vae, &model, &why);
    ltd_json_add(report, "loads", ltd_json_new_bool(st == LTD_OK));
    if (st == LTD_OK)
        add_model(report, model);
    else
        add_text(report, "error", why.message);
    if (st == LTD_OK)
        add_text(report, "vocabulary", model->words);
    add_file_part(list, set);
    if (vae)
        add_separate_vae(list, model);
    if (compvis_has_average(set))
        ltd_json_append(notes, ltd_json_new_string("model_ema is there and is not used"));
    if (st == LTD_OK && !model->settings.prediction && !weight_set_prediction(set) &&
        !weight_set_find(set, "v_pred"))
        ltd_json_append(
            notes,
            ltd_json_new_string("prediction_type is assumed: neither metadata nor a tensor v_pred tell it; a "
                                "file NAME.latentd.json beside the model can"));
    ltd_json_add(report, "parts", list);
    ltd_json_add(report, "notes", notes);
    ltd_model_close(model);
    weight_set_close(set);
    return LTD_OK;
}

enum ltd_status ltd_model_inspect(const char *path, const char *vae, struct ltd_json **out,
                                  struct ltd_error *err)
{
    struct ltd_json *report;
    struct stat st;
    enum ltd_status status = LTD_OK;

    if (stat(path, &st) != 0)
        return ltd_fail(err, LTD_ENOTFOUND, "%s: no such file or folder", path);
    if (S_ISDIR(st.st_mode) && !exists(path, "model_index.json") && !exists(path, "unet"))
        return ltd_fail(err, LTD_EFORMAT, "%s: neither model_index.json nor unet/ is in this folder", path);
    report = ltd_json_new_object();
    if (!report)
        return ltd_fail(err, LTD_ENOMEM, "no memory for the report");
    add_text(report, "path", path);
    if (S_ISDIR(st.st_mode))
        inspect_folder(path, vae, report);
    else
        status = inspect_file(path, vae, report, err);
    if (status == LTD_OK)
        *out = report;
    else
        ltd_json_free(report);
    return status;
}
