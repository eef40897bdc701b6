/* test_model.c - what is wrong with a model folder is said at once, by file and tensor. */
#include <latentd/model.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "changed_model.h"
#include "check.h"
#include "model_copy.h"

#define MODEL "tests/parity/fixtures/sd15/model"
#define UNET  "unet/diffusion_pytorch_model.safetensors"

/* A copy for one test; each row of a test mends what it broke by copying anew. */
static char dir[1024];

static bool begin(void)
{
    const bool good = model_copy_make(MODEL, dir, sizeof dir);

    CHECK(good);
    return good;
}

static const char *path_of(const char *name)
{
    static char path[2048];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Opens the copy, which must fail with this status and both names in the message, and removes it. */
static void expect_refused(int line, enum ltd_status want, const char *file, const char *what)
{
    struct ltd_model *const untouched = (struct ltd_model *)dir;
    struct ltd_model *model = untouched;
    struct ltd_error err = {0};
    const double begun = now();
    const enum ltd_status got = ltd_model_open(dir, &model, &err);

    if (now() - begun > 1)
        check_failed(__FILE__, line, "%s, %s: took %.1f s", file, what, now() - begun);
    if (got != want || err.status != want || !strstr(err.message, file) || !strstr(err.message, what))
        check_failed(__FILE__, line, "%s '%s', not %s with '%s' and '%s'", ltd_status_name(got), err.message,
                     ltd_status_name(want), file, what);
    if (got == LTD_OK)
        ltd_model_close(model);
    else if (model != untouched)
        check_failed(__FILE__, line, "the out-parameter was written");
    model_copy_remove(dir);
}

TEST(a_whole_model_tells_what_it_is)
{
    struct ltd_model *model = NULL;
    struct ltd_error err = {0};
    const struct ltd_model_info *info;

    CHECK_INT(ltd_model_open("models/default", &model, &err), LTD_OK);
    REQUIRE(model != NULL);
    info = ltd_model_info(model);
    CHECK_STR(info->family, "sd1");
    CHECK_STR(info->prediction_type, "v_prediction");
    CHECK_STR(info->scheduler_class, "DDIMScheduler");
    CHECK_STR(info->dtype, "f16");
    CHECK(strstr(info->about, "400 emoji-like things") != NULL);
    CHECK_INT(info->vae_factor, 8);
    CHECK_INT(info->latent_channels, 16);
    CHECK_INT(info->token_limit, 32);
    CHECK_INT(info->native_width, 128);
    CHECK_INT(info->native_height, 128);
    CHECK_INT(info->text_layers, 4);
    CHECK(info->parameters > 21000000 && info->parameters < 22000000);
    CHECK(info->file_bytes > 2 * info->parameters);
    ltd_model_close(model);
    ltd_model_close(NULL);
}

TEST(a_missing_part_is_named)
{
    static const struct {
        const char *name, *said;
        enum ltd_status status;
    } parts[] = {
        {"model_index.json", "model_index.json", LTD_EFORMAT},
        {"scheduler/scheduler_config.json", "scheduler/scheduler_config.json", LTD_ENOTFOUND},
        {"tokenizer/vocab.json", "tokenizer/vocab.json", LTD_ENOTFOUND},
        {"tokenizer/merges.txt", "tokenizer/merges.txt", LTD_ENOTFOUND},
        {"text_encoder/config.json", "text_encoder/config.json", LTD_ENOTFOUND},
        {"text_encoder/model.safetensors", "text_encoder", LTD_ENOTFOUND},
        {"unet/config.json", "unet/config.json", LTD_ENOTFOUND},
        {UNET, "unet", LTD_ENOTFOUND},
        {"vae/config.json", "vae/config.json", LTD_ENOTFOUND},
        {"vae/diffusion_pytorch_model.safetensors", "vae", LTD_ENOTFOUND},
    };

    for (size_t i = 0; i < COUNT(parts); i++) {
        if (!begin())
            return;
        CHECK(unlink(path_of(parts[i].name)) == 0);
        expect_refused(__LINE__, parts[i].status, dir, parts[i].said);
    }
}

TEST(a_path_that_is_no_model_is_refused)
{
    struct ltd_model *model = NULL;
    struct ltd_error err = {0};
    char longest[6000];

    CHECK_INT(ltd_model_open("/nonexistent/model", &model, &err), LTD_ENOTFOUND);
    CHECK(strstr(err.message, "/nonexistent/model") != NULL);
    CHECK_INT(ltd_model_open("models/default/latentd.json", &model, &err), LTD_EFORMAT);
    CHECK(strstr(err.message, "models/default/latentd.json: not a safetensors file") != NULL);
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    CHECK_INT(ltd_model_open(longest, &model, &err), LTD_ENOTFOUND);
    CHECK(model == NULL);
}

static void swap_dims(struct weight *w)
{
    const size_t first = w->dim[0];

    w->dim[0] = w->dim[1];
    w->dim[1] = first;
}

static float nan_values[64];

static void make_nan(struct weight *w)
{
    memset(nan_values, 0xff, sizeof nan_values);
    w->data = nan_values;
    w->dtype = DTYPE_F32;
}

static void rename_tensor(struct weight *w)
{
    w->name = "conv_out.zeal";
}

TEST(a_wrong_tensor_is_named)
{
    if (!begin())
        return;
    CHECK(change_tensor(path_of(UNET), "conv_in.weight", swap_dims));
    expect_refused(__LINE__, LTD_EFORMAT, "unet", "conv_in.weight has shape [4, 8, 3, 3]");
    if (!begin())
        return;
    CHECK(drop_tensor(path_of(UNET), "mid_block.resnets.0.conv1.bias"));
    expect_refused(__LINE__, LTD_EFORMAT, "unet", "mid_block.resnets.0.conv1.bias [16] is missing");
    if (!begin())
        return;
    CHECK(change_tensor(path_of(UNET), "conv_norm_out.bias", make_nan));
    expect_refused(__LINE__, LTD_EFORMAT, "unet", "conv_norm_out.bias has values that are not finite");
    if (!begin())
        return;
    CHECK(change_tensor(path_of("vae/diffusion_pytorch_model.safetensors"), "decoder.conv_out.bias",
                        rename_tensor));
    expect_refused(__LINE__, LTD_EFORMAT, "vae", "decoder.conv_out.bias");
    if (!begin())
        return;
    CHECK(
        drop_tensor(path_of("text_encoder/model.safetensors"), "text_model.encoder.layers.1.mlp.fc1.weight"));
    expect_refused(__LINE__, LTD_EFORMAT, "text_encoder", "text_model.encoder.layers.1.mlp.fc1.weight");
}

TEST(a_truncated_file_is_named)
{
    static const char *const files[] = {UNET,
                                        "vae/diffusion_pytorch_model.safetensors",
                                        "text_encoder/model.safetensors",
                                        "unet/config.json",
                                        "tokenizer/vocab.json",
                                        "scheduler/scheduler_config.json"};

    for (size_t i = 0; i < COUNT(files); i++)
        for (int part = 0; part < 2; part++) {
            struct file_bytes bytes = {NULL, 0};

            if (!begin())
                return;
            CHECK(file_read(path_of(files[i]), &bytes));
            CHECK(truncate(path_of(files[i]), part ? (long)bytes.size - 3 : 0) == 0);
            free(bytes.data);
            expect_refused(__LINE__, LTD_EFORMAT, path_of(files[i]), "");
        }
}

TEST(another_pipeline_is_refused_by_name)
{
    if (!begin())
        return;
    CHECK(change_text(path_of("model_index.json"), "\"StableDiffusionPipeline\"",
                      "\"StableDiffusion3Pipeline\""));
    expect_refused(__LINE__, LTD_EUNSUPPORTED, "model_index.json", "StableDiffusion3Pipeline");
    if (!begin())
        return;
    CHECK(change_text(path_of("unet/config.json"), "\"UNet2DConditionModel\"", "\"FluxTransformer2DModel\""));
    expect_refused(__LINE__, LTD_EUNSUPPORTED, "unet/config.json", "FluxTransformer2DModel");
    if (!begin())
        return;
    CHECK(change_text(path_of("vae/config.json"), "\"AutoencoderKL\"", "\"VQModel\""));
    expect_refused(__LINE__, LTD_EUNSUPPORTED, "vae/config.json", "VQModel");
}

TEST(parts_that_do_not_fit_each_other_are_refused)
{
    if (!begin())
        return;
    CHECK(change_text(path_of("unet/config.json"), "\"cross_attention_dim\": 16",
                      "\"cross_attention_dim\": 12"));
    expect_refused(__LINE__, LTD_EFORMAT, "unet", "attn2");
    if (!begin())
        return;
    CHECK(change_text(path_of("text_encoder/config.json"), "\"vocab_size\": 574", "\"vocab_size\": 573"));
    expect_refused(__LINE__, LTD_EFORMAT, "text_encoder", "token_embedding.weight");
}

static void expect_defaults_refused(int line, const char *text, const char *message)
{
    if (!begin())
        return;
    CHECK(file_write(path_of("latentd.json"), text, strlen(text)));
    expect_refused(line, LTD_EFORMAT, "latentd.json", message);
}

TEST(a_slip_in_latentd_json_is_named)
{
    expect_defaults_refused(__LINE__, "{\"step\":25}", "\"step\" is not a key of this file");
    expect_defaults_refused(__LINE__, "{\"steps\":0}", "steps must be an integer of 1 to 1000");
    expect_defaults_refused(__LINE__, "{\"steps\":2.5}", "steps must be an integer of 1 to 1000");
    expect_defaults_refused(__LINE__, "{\"cfg_scale\":101}", "cfg_scale must be a number of 0 to 100");
    expect_defaults_refused(__LINE__, "{\"sampler\":\"eular\"}", "sampler \"eular\" is unknown");
    expect_defaults_refused(__LINE__, "{\"scheduler\":\"k\"}", "scheduler \"k\" is unknown");
    expect_defaults_refused(__LINE__, "{\"precision\":\"f16\"}", "precision \"f16\" is unknown");
    expect_defaults_refused(__LINE__, "{\"width\":-64}", "width must be an integer of 1 to 16384");
    expect_defaults_refused(__LINE__, "{\"about\":7}", "about must be a string");
    expect_defaults_refused(__LINE__, "{\"prediction_type\":\"v\"}",
                            "prediction_type \"v\" is unknown (known: epsilon, ");
    expect_defaults_refused(__LINE__, "[]", "must be a JSON object");
    expect_defaults_refused(__LINE__, "[1]", "must be a JSON object");
    expect_defaults_refused(__LINE__, "1", "must be a JSON object");
    expect_defaults_refused(__LINE__, "{\"steps\":25", "");
}

TEST(a_recommendation_that_cannot_be_drawn_is_refused)
{
    expect_defaults_refused(__LINE__, "{\"width\":63}", "width: must be a multiple of");
    expect_defaults_refused(__LINE__, "{\"sampler\":\"ddim\",\"scheduler\":\"karras\"}", "scheduler: ");
}

TEST(latentd_json_overrules_what_the_network_predicts)
{
    static const char text[] = "{\"prediction_type\":\"v_prediction\"}";
    struct ltd_model *model = NULL;

    if (!begin())
        return;
    CHECK_INT(ltd_model_open(dir, &model, NULL), LTD_OK);
    REQUIRE(model != NULL);
    CHECK_STR(ltd_model_info(model)->prediction_type, "epsilon");
    ltd_model_close(model);
    CHECK(file_write(path_of("latentd.json"), text, strlen(text)));
    CHECK_INT(ltd_model_open(dir, &model, NULL), LTD_OK);
    CHECK_STR(ltd_model_info(model)->prediction_type, "v_prediction");
    ltd_model_close(model);
    model_copy_remove(dir);
}

TEST(latentd_json_comes_before_the_configs)
{
    static const char text[] =
        "{\"steps\":3,\"cfg_scale\":1.5,\"sampler\":\"euler\",\"scheduler\":\"karras\","
        "\"width\":72,\"precision\":\"bf16\",\"about\":\"hello\"}";
    struct ltd_model *model = NULL;
    struct ltd_gen_params p;

    if (!begin())
        return;
    CHECK_INT(ltd_model_open(dir, &model, NULL), LTD_OK);
    REQUIRE(model != NULL);
    p = ltd_params_default(model);
    CHECK_INT(p.steps, 20);
    CHECK_NEAR(p.cfg_scale, 7.5, 0);
    CHECK_INT(p.width, 64);
    CHECK_INT(p.precision, LTD_PRECISION_F32);
    CHECK_STR(ltd_model_info(model)->about, "");
    ltd_model_close(model);
    CHECK(file_write(path_of("latentd.json"), text, strlen(text)));
    CHECK_INT(ltd_model_open(dir, &model, NULL), LTD_OK);
    p = ltd_params_default(model);
    CHECK_INT(p.steps, 3);
    CHECK_NEAR(p.cfg_scale, 1.5, 0);
    CHECK_INT(p.sampler, LTD_SAMPLER_EULER);
    CHECK_INT(p.scheduler, LTD_SCHEDULER_KARRAS);
    CHECK_INT(p.width, 72);
    CHECK_INT(p.height, 64);
    CHECK_INT(p.precision, LTD_PRECISION_BF16);
    CHECK_STR(ltd_model_info(model)->about, "hello");
    ltd_model_prefer_precision(model, LTD_PRECISION_F32);
    CHECK_INT(ltd_params_default(model).precision, LTD_PRECISION_F32);
    ltd_model_close(model);
    model_copy_remove(dir);
}
