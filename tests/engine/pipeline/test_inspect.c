/* test_inspect.c - the report on a model, whole or broken. */
#include <latentd/model.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "changed_model.h"
#include "check.h"
#include "model_copy.h"

#define MODEL "tests/parity/fixtures/sd15/model"

static char dir[1024];

static const char *path_of(const char *name)
{
    static char path[2048];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static struct ltd_json *inspect(const char *path)
{
    struct ltd_json *report = NULL;
    struct ltd_error err = {0};

    if (ltd_model_inspect(path, NULL, &report, &err) != LTD_OK)
        check_failed(__FILE__, __LINE__, "%s", err.message);
    return report;
}

static const char *text(const struct ltd_json *object, const char *key)
{
    return ltd_json_string(ltd_json_get(object, key));
}

static uint64_t number(const struct ltd_json *object, const char *key)
{
    uint64_t value = 0;

    CHECK(ltd_json_uint64(ltd_json_get(object, key), &value));
    return value;
}

static const struct ltd_json *part(const struct ltd_json *report, const char *name)
{
    for (const struct ltd_json *p = ltd_json_first(ltd_json_get(report, "parts")); p; p = ltd_json_next(p))
        if (strcmp(text(p, "name"), name) == 0)
            return p;
    return NULL;
}

/* Is one of the list's strings `want`? */
static bool has(const struct ltd_json *object, const char *key, const char *want)
{
    for (const struct ltd_json *v = ltd_json_first(ltd_json_get(object, key)); v; v = ltd_json_next(v))
        if (strcmp(ltd_json_string(v), want) == 0)
            return true;
    return false;
}

TEST(a_whole_model_is_described)
{
    static const char *const names[] = {"text_encoder", "unet", "vae"};
    struct ltd_json *report = inspect("models/default");
    uint64_t parameters = 0;
    char *printed;

    REQUIRE(report != NULL);
    CHECK_STR(text(report, "path"), "models/default");
    CHECK_STR(text(report, "kind"), "diffusers folder");
    CHECK(ltd_json_bool(ltd_json_get(report, "loads")));
    CHECK(ltd_json_get(report, "error") == NULL);
    CHECK_STR(text(report, "family"), "sd1");
    CHECK_STR(text(report, "dtype"), "f16");
    CHECK_INT(number(report, "vae_factor"), 8);
    CHECK_INT(number(ltd_json_get(report, "defaults"), "steps"), 25);
    CHECK_STR(text(ltd_json_get(report, "defaults"), "sampler"), "ddim");
    CHECK_INT(ltd_json_size(ltd_json_get(report, "parts")), COUNT(names));
    for (size_t i = 0; i < COUNT(names); i++) {
        const struct ltd_json *p = part(report, names[i]);

        REQUIRE(p != NULL);
        CHECK(ltd_json_get(p, "error") == NULL);
        CHECK_INT(ltd_json_size(ltd_json_get(p, "missing")), 0);
        CHECK_INT(ltd_json_size(ltd_json_get(p, "misshapen")), 0);
        CHECK_INT(ltd_json_size(ltd_json_get(p, "unused")), 0);
        CHECK_INT(ltd_json_size(ltd_json_get(p, "tensors")), number(p, "tensor_count"));
        CHECK_INT(number(ltd_json_get(p, "dtypes"), "f16"), number(p, "tensor_count"));
        parameters += number(p, "parameters");
    }
    CHECK_INT(parameters, number(report, "parameters"));
    printed = ltd_json_print(report, true);
    CHECK(printed != NULL);
    free(printed);
    ltd_json_free(report);
}

static void swap_dims(struct weight *w)
{
    const size_t first = w->dim[0];

    w->dim[0] = w->dim[1];
    w->dim[1] = first;
}

static void rename_tensor(struct weight *w)
{
    w->name = "stray";
}

TEST(a_broken_model_is_described_with_all_that_is_wrong)
{
    struct ltd_json *report;
    const struct ltd_json *unet;

    REQUIRE(model_copy_make(MODEL, dir, sizeof dir));
    CHECK(change_tensor(path_of("unet/diffusion_pytorch_model.safetensors"), "conv_in.weight", swap_dims));
    CHECK(change_tensor(path_of("unet/diffusion_pytorch_model.safetensors"), "conv_out.bias", rename_tensor));
    CHECK(unlink(path_of("vae/config.json")) == 0);
    CHECK(mkdir(path_of("safety_checker"), 0700) == 0);
    report = inspect(dir);
    REQUIRE(report != NULL);
    CHECK(!ltd_json_bool(ltd_json_get(report, "loads")));
    CHECK(text(report, "error") != NULL);
    CHECK(has(report, "notes", "safety_checker is there and is not used"));
    unet = part(report, "unet");
    CHECK(has(unet, "missing", "conv_out.bias [4]"));
    CHECK(has(unet, "misshapen",
              "unet: tensor conv_in.weight has shape [4, 8, 3, 3], but config.json asks for [8, 4, 3, 3]"));
    CHECK(has(unet, "unused", "stray"));
    CHECK_INT(ltd_json_size(ltd_json_get(unet, "missing")), 1);
    CHECK_INT(ltd_json_size(ltd_json_get(unet, "misshapen")), 1);
    CHECK_INT(ltd_json_size(ltd_json_get(unet, "unused")), 1);
    CHECK(strstr(text(part(report, "vae"), "error"), "vae/config.json") != NULL);
    CHECK(number(part(report, "vae"), "tensor_count") > 0);
    CHECK(ltd_json_get(part(report, "text_encoder"), "error") == NULL);
    ltd_json_free(report);
    model_copy_remove(dir);
}

TEST(a_single_file_is_listed)
{
    struct ltd_json *report = inspect(MODEL "/vae/diffusion_pytorch_model.safetensors");

    REQUIRE(report != NULL);
    CHECK_STR(text(report, "kind"), "safetensors file");
    CHECK(!ltd_json_bool(ltd_json_get(report, "loads")));
    CHECK(text(report, "error") != NULL);
    CHECK_INT(ltd_json_size(ltd_json_get(part(report, "file"), "tensors")),
              number(part(report, "file"), "tensor_count"));
    CHECK(number(part(report, "file"), "tensor_count") > 100);
    ltd_json_free(report);
}

TEST(a_model_in_one_file_is_described)
{
    struct ltd_json *report = inspect("tests/parity/fixtures/single/model/single.safetensors");

    REQUIRE(report != NULL);
    CHECK(ltd_json_bool(ltd_json_get(report, "loads")));
    CHECK_STR(text(report, "family"), "sd1");
    CHECK_STR(text(report, "prediction_type"), "epsilon");
    CHECK_STR(text(report, "dtype"), "f16");
    CHECK_INT(number(report, "vae_factor"), 2);
    CHECK(has(report, "notes",
              "prediction_type is assumed: neither metadata nor a tensor v_pred tell it; a file "
              "NAME.latentd.json beside the model can"));
    CHECK(!has(report, "notes", "model_ema is there and is not used"));
    CHECK_INT(number(report, "parameters"), number(part(report, "file"), "parameters"));
    ltd_json_free(report);
}

TEST(what_is_no_model_is_refused)
{
    struct ltd_json *report = NULL;
    struct ltd_error err = {0};

    CHECK_INT(ltd_model_inspect("/nonexistent", NULL, &report, &err), LTD_ENOTFOUND);
    CHECK_INT(ltd_model_inspect("tests", NULL, &report, &err), LTD_EFORMAT);
    CHECK_INT(ltd_model_inspect("README.md", NULL, &report, &err), LTD_EFORMAT);
    CHECK(report == NULL);
}
