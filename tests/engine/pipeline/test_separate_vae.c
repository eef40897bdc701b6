/* test_separate_vae.c - a VAE in place of a model's own: its forms, and what is refused by name. */
#include <latentd/model.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "changed_model.h"
#include "check.h"
#include "model_copy.h"
#include "pipeline/model_parts.h"
#include "sessions.h"
#include "write_safetensors.h"

#define FIXTURES "tests/parity/fixtures/"
#define SD15     FIXTURES "sd15/model"
#define SINGLE   FIXTURES "single/model"
#define WEIGHTS  "diffusion_pytorch_model.safetensors"
#define TAESD    FIXTURES "taesd/vae"
#define HALVES   FIXTURES "taesd-xl/vae"

static char dir[1024];

static const char *path_of(const char *name)
{
    static char path[2048];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void begin(const char *from)
{
    CHECK(model_copy_make(from, dir, sizeof dir));
}

/* It must fail with this status, the VAE's path and both texts. */
static void expect_refused(int line, const char *path, const char *vae, enum ltd_status want,
                           const char *what, const char *more)
{
    struct ltd_model *model = NULL;
    struct ltd_error err = {.message = ""};
    const enum ltd_status got = ltd_model_open_with(path, vae, &model, &err);

    if (got != want || model || strncmp(err.message, vae, strlen(vae)) != 0 || !strstr(err.message, what) ||
        !strstr(err.message, more))
        check_failed(__FILE__, line, "%s '%s', not %s with '%s' and '%s'", ltd_status_name(got), err.message,
                     ltd_status_name(want), what, more);
    ltd_model_close(model);
}

/* Whether both have the same tensors, by name and to the last bit. */
static bool same_weights(const struct vae *a, const struct vae *b)
{
    const struct weight_set *got = vae_weights(a), *want = vae_weights(b);
    bool same = weight_set_count(got) == weight_set_count(want);

    for (size_t i = 0; same && i < weight_set_count(want); i++) {
        const struct weight *w = weight_set_at(want, i), *g = weight_set_find(got, w->name);

        same = g && g->dtype == w->dtype && g->count == w->count &&
               memcmp(g->data, w->data, dtype_bytes(w->dtype, w->count)) == 0;
    }
    return same;
}

/* Opens it, compares it with the folder's VAE, and tells its scale and name. */
static void expect_same(int line, const char *path, const char *vae, const struct vae *want, double scale,
                        const char *name)
{
    struct ltd_model *model = open_model_with(path, vae);

    if (!same_weights(model->vae, want))
        check_failed(__FILE__, line, "%s has other weights", vae);
    CHECK(vae_config(model->vae)->scaling_factor == scale);
    CHECK_STR(model->info.vae, name);
    ltd_model_close(model);
}

/* Without first_stage_model., and with what only training needs. */
static void write_bare(const char *from, const char *to)
{
    static const char prefix[] = "first_stage_model.";
    static float zero;
    struct weight_set *set = NULL;
    struct weight *tensors;
    size_t count = 0;

    REQUIRE(weight_set_open_file(from, &set, NULL) == LTD_OK);
    tensors = calloc(weight_set_count(set) + 2, sizeof *tensors);
    REQUIRE(tensors != NULL);
    for (size_t i = 0; i < weight_set_count(set); i++) {
        const struct weight *w = weight_set_at(set, i);

        if (strncmp(w->name, prefix, sizeof prefix - 1) == 0) {
            tensors[count] = *w;
            tensors[count++].name = w->name + sizeof prefix - 1;
        }
    }
    tensors[count] = (struct weight){"loss.logvar", &zero, DTYPE_F32, 0, {0}, 1};
    tensors[count + 1] = (struct weight){"model_ema.decay", &zero, DTYPE_F32, 0, {0}, 1};
    CHECK(write_safetensors(to, tensors, count + 2));
    weight_set_close(set);
    free(tensors);
}

TEST(every_form_has_the_weights_of_the_folder)
{
    static const struct {
        const char *model;
        double scale;
    } rows[] = {{SINGLE, 0.18215}, {FIXTURES "single-xl/model", 0.13025}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ltd_model *folder = open_model(rows[i].model);
        char file[2048];

        CHECK_STR(folder->info.vae, "");
        begin(rows[i].model);
        snprintf(file, sizeof file, "%s", path_of("single.safetensors"));
        write_bare(file, path_of("bare.safetensors"));
        expect_same(__LINE__, file, path_of("bare.safetensors"), folder->vae, rows[i].scale,
                    "bare.safetensors");
        expect_same(__LINE__, file, path_of("single.safetensors"), folder->vae, rows[i].scale,
                    "single.safetensors");
        expect_same(__LINE__, file, path_of("vae/" WEIGHTS), folder->vae, rows[i].scale, WEIGHTS);
        expect_same(__LINE__, dir, path_of("vae/" WEIGHTS), folder->vae, rows[i].scale, WEIGHTS);
        expect_same(__LINE__, file, path_of("vae"), folder->vae, rows[i].scale, "vae");
        expect_same(__LINE__, file, path_of("vae//"), folder->vae, rows[i].scale, "vae");
        ltd_model_close(folder);
        model_copy_remove(dir);
    }
}

/* The files are closed again. */
TEST(a_model_without_its_weights_tells_of_the_vae)
{
    static const char *const vaes[] = {TAESD, HALVES, FIXTURES "vae/vae",
                                       TAESD "/diffusion_pytorch_model.safetensors"};

    for (size_t i = 0; i < COUNT(vaes); i++) {
        struct ltd_model *shapes = NULL, *whole = open_model_with(SD15, vaes[i]);

        REQUIRE(ltd_model_open_shapes(SD15, vaes[i], &shapes, NULL) == LTD_OK);
        CHECK_STR(shapes->info.vae, whole->info.vae);
        CHECK_INT(shapes->info.parameters, whole->info.parameters);
        CHECK_INT(shapes->info.file_bytes, whole->info.file_bytes);
        ltd_model_close(shapes);
        ltd_model_close(whole);
    }
}

/* What the VAE was trained at is nothing to the model. */
TEST(the_size_that_a_model_is_drawn_at_stays)
{
    static const char *const models[] = {SINGLE "/single.safetensors",
                                         FIXTURES "single-xl/model/single.safetensors"};

    for (size_t i = 0; i < COUNT(models); i++) {
        const char *const vaes[] = {i ? FIXTURES "single-xl/model/vae" : SINGLE "/vae", models[i]};

        for (size_t v = 0; v < COUNT(vaes); v++) {
            struct ltd_model *model = open_model_with(models[i], vaes[v]);

            CHECK_INT(ltd_model_info(model)->native_width, i ? 1024 : 512);
            CHECK_INT(ltd_params_default(model).height, i ? 1024 : 512);
            ltd_model_close(model);
        }
    }
}

TEST(a_folder_may_hold_a_variant_and_a_scale_of_its_own)
{
    struct ltd_model *model;
    char old[2048];

    begin(FIXTURES "vae/vae");
    snprintf(old, sizeof old, "%s", path_of(WEIGHTS));
    CHECK(rename(old, path_of("diffusion_pytorch_model.fp16.safetensors")) == 0);
    model = open_model_with(SD15, dir);
    CHECK(vae_config(model->vae)->scaling_factor == 0.4);
    ltd_model_close(model);
    model_copy_remove(dir);
}

static void rename_to_average(struct weight *tensor)
{
    tensor->name = "model_ema.decay";
}

/* Checkpoints are given without a VAE, too. */
TEST(a_file_without_a_vae_wants_one)
{
    static const char name[] = "first_stage_model.encoder.down.0.block.0.conv1.weight";
    struct weight_set *set = NULL;
    struct ltd_model *model = NULL;
    struct ltd_error err = {.message = ""};
    struct weight *tensors;
    size_t count = 0;

    begin(SINGLE);
    REQUIRE(weight_set_open_file(SINGLE "/single.safetensors", &set, NULL) == LTD_OK);
    tensors = calloc(weight_set_count(set), sizeof *tensors);
    REQUIRE(tensors != NULL);
    for (size_t i = 0; i < weight_set_count(set); i++)
        if (strncmp(weight_set_at(set, i)->name, name, strlen("first_stage_model.")) != 0)
            tensors[count++] = *weight_set_at(set, i);
    CHECK(write_safetensors(path_of("single.safetensors"), tensors, count));
    weight_set_close(set);
    free(tensors);
    CHECK_INT(ltd_model_open(path_of("single.safetensors"), &model, &err), LTD_EFORMAT);
    CHECK(strstr(err.message, name) && strstr(err.message, "--vae"));
    model = open_model_with(path_of("single.safetensors"), SINGLE "/vae/" WEIGHTS);
    ltd_model_close(model);
    model_copy_remove(dir);
}

TEST(what_is_for_other_latents_is_refused_by_tensor)
{
    expect_refused(__LINE__, SD15, FIXTURES "no-attention/model/vae", LTD_EUNSUPPORTED,
                   "tensor \"decoder.conv_in.weight\"", "8 channels, but the model's have 4");
    expect_refused(__LINE__, FIXTURES "no-attention/model", TAESD, LTD_EUNSUPPORTED,
                   "tensor \"decoder.layers.0.weight\"", "4 channels, but the model's have 8");
    expect_refused(__LINE__, SD15, SINGLE "/vae/" WEIGHTS, LTD_EUNSUPPORTED,
                   "tensor \"decoder.up_blocks.1.resnets.0.conv1.weight\"", "4 levels, for 8 pixels");
    expect_refused(__LINE__, SINGLE, TAESD, LTD_EUNSUPPORTED, "tensor \"decoder.layers.14.weight\"",
                   "2 levels, for 2 pixels");
}

TEST(what_is_no_vae_is_refused)
{
    expect_refused(__LINE__, SD15, "/nonexistent", LTD_ENOTFOUND, "no such VAE", "");
    expect_refused(__LINE__, SD15, SD15 "/text_encoder/model.safetensors", LTD_EUNSUPPORTED, "no VAE",
                   "first_stage_model.encoder.down.0.block.0.conv1.weight");
    expect_refused(__LINE__, SD15, SD15 "/unet", LTD_EUNSUPPORTED, "UNet2DConditionModel",
                   "known: AutoencoderKL, AutoencoderTiny");
    expect_refused(__LINE__, SD15, SD15 "/scheduler", LTD_ENOTFOUND, "neither config.json nor", "_decoder");
    expect_refused(__LINE__, SD15, HALVES "/tiny_encoder.safetensors", LTD_EUNSUPPORTED, "is the encoder",
                   "give the file of its decoder");
    begin(SD15 "/vae");
    CHECK(file_write(path_of("vae.pt"), "PK\3\4 and the rest", 16));
    expect_refused(__LINE__, SD15, path_of("vae.pt"), LTD_EUNSUPPORTED, "convert it to .safetensors", "");
    model_copy_remove(dir);
}

static void halve_first(struct weight *tensor)
{
    tensor->dim[0] /= 2;
    tensor->count /= 2;
}

static void flatten(struct weight *tensor)
{
    tensor->rank = 1;
    tensor->dim[0] = tensor->count;
}

/* Takes the end of a file away. */
static void cut(const char *path)
{
    struct file_bytes bytes = {NULL, 0};

    REQUIRE(file_read(path, &bytes) && bytes.size > 100);
    CHECK(file_write(path, bytes.data, bytes.size - 100));
    free(bytes.data);
}

/* Spoils one tensor of a copy of the file and opens it. */
static void expect_spoilt(int line, const char *model, const char *file, const char *tensor,
                          change_tensor_fn *change, const char *what)
{
    char vae[2048];

    snprintf(vae, sizeof vae, "%s", path_of(file));
    if (change)
        CHECK(change_tensor(vae, tensor, change));
    else
        CHECK(drop_tensor(vae, tensor));
    expect_refused(line, model, vae, LTD_EFORMAT, what, "");
    model_copy_remove(dir);
}

TEST(spoilt_files_are_refused_by_tensor)
{
    begin(SINGLE "/vae");
    expect_spoilt(__LINE__, SINGLE, WEIGHTS, "decoder.conv_in.weight", NULL,
                  "tensor \"decoder.conv_in.weight\" is missing");
    begin(SINGLE "/vae");
    expect_spoilt(__LINE__, SINGLE, WEIGHTS, "decoder.conv_in.weight", flatten,
                  "\"decoder.conv_in.weight\": it has 1 dimensions, not 4");
    begin(SINGLE "/vae");
    expect_spoilt(__LINE__, SINGLE, WEIGHTS, "quant_conv.weight", NULL, "tensor quant_conv.weight");
    begin(SINGLE "/vae");
    expect_spoilt(__LINE__, SINGLE, WEIGHTS, "decoder.conv_norm_out.weight", halve_first,
                  "tensor decoder.conv_norm_out.weight has shape");
    begin(SINGLE "/vae");
    expect_spoilt(__LINE__, SINGLE, WEIGHTS, "decoder.conv_out.bias", rename_to_average,
                  "tensor decoder.conv_out.bias");
    begin(SINGLE "/vae");
    cut(path_of(WEIGHTS));
    expect_refused(__LINE__, SINGLE, path_of(WEIGHTS), LTD_EFORMAT, "tensor \"", "");
    model_copy_remove(dir);
}

TEST(spoilt_tiny_files_are_refused_by_tensor)
{
    static const char decoder[] = "tiny_decoder.safetensors", encoder[] = "tiny_encoder.safetensors";
    char vae[2048];

    begin(HALVES);
    expect_spoilt(__LINE__, SD15, decoder, "6.weight", NULL, "\"decoder.layers.5.weight\" is missing");
    begin(HALVES);
    expect_spoilt(__LINE__, SD15, decoder, "3.conv.2.bias", NULL, "tensor decoder.layers.2.conv.2.bias");
    begin(HALVES);
    expect_spoilt(__LINE__, SD15, decoder, "3.conv.4.weight", halve_first,
                  "tensor decoder.layers.2.conv.4.weight has shape");
    begin(HALVES);
    expect_spoilt(__LINE__, SD15, decoder, "1.weight", flatten,
                  "\"decoder.layers.0.weight\": it has 1 dimensions, not 4");
    begin(HALVES);
    expect_spoilt(__LINE__, SD15, decoder, "1.bias", rename_to_average, "tensor decoder.layers.0.bias");
    begin(HALVES);
    CHECK(drop_tensor(path_of(encoder), "1.conv.0.weight"));
    snprintf(vae, sizeof vae, "%s", path_of(decoder));
    expect_refused(__LINE__, SD15, vae, LTD_EFORMAT, encoder, "\"1.conv.0.weight\" is missing");
    model_copy_remove(dir);
    begin(HALVES);
    CHECK(change_tensor(path_of(encoder), "0.bias", rename_to_average));
    expect_spoilt(__LINE__, SD15, decoder, "1.bias", rename_to_average,
                  "two tensors stand for \"model_ema.decay\"");
    begin(HALVES);
    cut(path_of(decoder));
    expect_refused(__LINE__, SD15, path_of(decoder), LTD_EFORMAT, "tensor \"", "");
    model_copy_remove(dir);
}

TEST(configs_that_no_reference_can_run_are_refused)
{
    static const struct {
        const char *from, *to, *what;
    } rows[] = {
        {"\"act_fn\": \"relu\"", "\"act_fn\": \"gelu\"", "act_fn"},
        {"\"upsample_fn\": \"nearest\"", "\"upsample_fn\": \"bilinear\"", "upsample_fn"},
        {"\"upsampling_scaling_factor\": 2", "\"upsampling_scaling_factor\": 4", "upsampling_scaling_factor"},
        {"\"num_decoder_blocks\"", "\"other\"", "num_decoder_blocks is missing"},
        {"\"num_encoder_blocks\": [\n    1,", "\"num_encoder_blocks\": [", "as many entries"},
        {"\"decoder_block_out_channels\": [\n    6,", "\"decoder_block_out_channels\": [\n    8,",
         "equal entries"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        begin(TAESD);
        CHECK(change_text(path_of("config.json"), rows[i].from, rows[i].to));
        expect_refused(__LINE__, SD15, dir, i < 2 || i == 5 ? LTD_EUNSUPPORTED : LTD_EFORMAT, rows[i].what,
                       "");
        model_copy_remove(dir);
    }
}

TEST(a_tiny_vae_is_the_same_as_first_published)
{
    struct ltd_model *both = open_model_with(SD15, HALVES "/tiny_decoder.safetensors"), *folder;

    begin(HALVES);
    folder = open_model_with(SD15, dir);
    CHECK(same_weights(folder->vae, both->vae));
    CHECK_INT(vae_config(both->vae)->scaling_factor, 1);
    CHECK_STR(both->info.vae, "tiny_decoder.safetensors");
    ltd_model_close(both);
    ltd_model_close(folder);
    CHECK(file_write(path_of("other_decoder.safetensors"), "", 0));
    expect_refused(__LINE__, SD15, dir, LTD_EUNSUPPORTED, "2 files", "give the path of one");
    model_copy_remove(dir);
}

TEST(a_report_lists_it_as_a_part)
{
    static const char *const models[] = {SINGLE, SINGLE "/single.safetensors"};

    for (size_t i = 0; i < COUNT(models); i++) {
        struct ltd_json *report = NULL;
        size_t vaes = 0;

        REQUIRE(ltd_model_inspect(models[i], SINGLE "/vae/" WEIGHTS, &report, NULL) == LTD_OK);
        CHECK_STR(ltd_json_string(ltd_json_get(report, "vae")), WEIGHTS);
        for (const struct ltd_json *part = ltd_json_first(ltd_json_get(report, "parts")); part;
             part = ltd_json_next(part))
            vaes += strcmp(ltd_json_string(ltd_json_get(part, "name")), "vae") == 0;
        CHECK_INT(vaes, 1);
        ltd_json_free(report);
    }
}
