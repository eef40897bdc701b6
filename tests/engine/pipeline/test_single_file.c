/* test_single_file.c - what is wrong with a checkpoint in one file is said by file and tensor. */
#include <latentd/model.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "changed_model.h"
#include "check.h"
#include "model_copy.h"
#include "pipeline/model_parts.h"

#define MODEL "tests/parity/fixtures/single/model"
#define UNET  "model.diffusion_model."
#define TOKEN "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight"

static char dir[1024];

static const char *path_of(const char *name)
{
    static char path[2048];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static const char *file_path(void)
{
    return path_of("single.safetensors");
}

static void begin(void)
{
    CHECK(model_copy_make(MODEL, dir, sizeof dir));
}

/* Opens the copy, which must fail with this status and text, and removes it. */
static void expect_refused(int line, enum ltd_status want, const char *what)
{
    struct ltd_model *model = NULL;
    struct ltd_error err = {0};
    const enum ltd_status got = ltd_model_open(file_path(), &model, &err);

    if (got != want || model || !strstr(err.message, what))
        check_failed(__FILE__, line, "%s '%s', not %s with '%s'", ltd_status_name(got), err.message,
                     ltd_status_name(want), what);
    ltd_model_close(model);
    model_copy_remove(dir);
}

static void halve_first(struct weight *tensor)
{
    tensor->dim[0] /= 2;
    tensor->count /= 2;
}

static void rename_to_openclip(struct weight *tensor)
{
    tensor->name = "cond_stage_model.model.ln_final.weight";
}

static void rename_to_average(struct weight *tensor)
{
    tensor->name = "model_ema.decay";
}

static void rename_to_stray(struct weight *tensor)
{
    tensor->name = UNET "input_blocks.1.0.stray.weight";
}

static void rename_to_twin(struct weight *tensor)
{
    tensor->name = UNET "input_blocks.01.0.in_layers.0.weight";
}

static const char *without_outer_name(const char *name)
{
    static const char outer[] = "text_model.";

    return strncmp(name, outer, sizeof outer - 1) == 0 ? name + sizeof outer - 1 : name;
}

/* Whether both sets have the same tensors, by name and to the last bit; a 1x1 kernel may be written out or
 * not. */
static bool equal_sets(const struct weight_set *got, const struct weight_set *want)
{
    bool equal = weight_set_count(got) == weight_set_count(want) && weight_set_count(want) > 0;

    for (size_t i = 0; equal && i < weight_set_count(want); i++) {
        const struct weight *a = weight_set_at(got, i), *b = weight_set_at(want, i);

        equal = strcmp(without_outer_name(a->name), without_outer_name(b->name)) == 0 &&
                a->dtype == b->dtype && a->count == b->count &&
                memcmp(a->data, b->data, a->count * dtype_size(a->dtype)) == 0;
        if (!equal)
            printf("%s is not %s\n", a->name, b->name);
    }
    return equal;
}

TEST(every_tensor_has_the_name_and_the_values_that_the_folder_has)
{
    struct ltd_model *file = NULL, *folder = NULL;

    REQUIRE(ltd_model_open(MODEL "/single.safetensors", &file, NULL) == LTD_OK);
    REQUIRE(ltd_model_open(MODEL, &folder, NULL) == LTD_OK);
    CHECK(equal_sets(unet_weights(file->unet), unet_weights(folder->unet)));
    CHECK(equal_sets(vae_weights(file->vae), vae_weights(folder->vae)));
    CHECK(equal_sets(clip_text_weights(file->text), clip_text_weights(folder->text)));
    ltd_model_close(file);
    ltd_model_close(folder);
}

TEST(missing_tensors_are_named)
{
    static const char *const names[][2] = {
        {UNET "input_blocks.0.0.weight", UNET "input_blocks.0.0.weight"},
        {UNET "input_blocks.1.0.out_layers.3.weight", UNET "input_blocks.1.0.out_layers.3.weight"},
        {UNET "out.2.weight", UNET "out.2.weight"},
        {UNET "out.0.bias", "conv_norm_out.bias"},
        {"first_stage_model.decoder.conv_in.weight", "first_stage_model.decoder.conv_in.weight"},
        {"first_stage_model.decoder.mid.attn_1.q.weight", "decoder.mid_block.attentions.0.to_q.weight"},
        {TOKEN, TOKEN},
    };

    for (size_t i = 0; i < COUNT(names); i++) {
        begin();
        CHECK(drop_tensor(file_path(), names[i][0]));
        expect_refused(__LINE__, i == 0 ? LTD_EUNSUPPORTED : LTD_EFORMAT, names[i][1]);
    }
}

TEST(misshapen_and_stray_tensors_are_named)
{
    begin();
    CHECK(change_tensor(file_path(), UNET "time_embed.0.weight", halve_first));
    expect_refused(__LINE__, LTD_EFORMAT, "time_embedding.linear_1.weight");
    begin();
    CHECK(change_tensor(file_path(), UNET "input_blocks.1.0.in_layers.0.bias", rename_to_stray));
    expect_refused(__LINE__, LTD_EFORMAT, "down_blocks.0.resnets.0.norm1.bias");
    begin();
    CHECK(change_tensor(file_path(), UNET "input_blocks.1.0.in_layers.0.bias", rename_to_twin));
    expect_refused(__LINE__, LTD_EFORMAT, "two tensors stand for \"down_blocks.0.resnets.0.norm1.weight\"");
}

TEST(other_architectures_are_refused_by_name)
{
    begin();
    CHECK(change_tensor(file_path(), TOKEN, rename_to_openclip));
    expect_refused(__LINE__, LTD_EUNSUPPORTED, "Stable Diffusion 2");
}

/* Puts members, each with a comma behind it, first into the header of the copy. */
static void add_to_header(const char *json)
{
    struct file_bytes bytes = {NULL, 0};
    const size_t added = strlen(json);
    unsigned char *longer;
    uint64_t length;

    CHECK(file_read(file_path(), &bytes));
    longer = malloc(bytes.size + added);
    REQUIRE(longer != NULL);
    memcpy(&length, bytes.data, sizeof length);
    length += added;
    memcpy(longer, &length, sizeof length);
    longer[8] = '{';
    memcpy(longer + 9, json, added);
    memcpy(longer + 9 + added, bytes.data + 9, bytes.size - 9);
    CHECK(file_write(file_path(), longer, bytes.size + added));
    free(longer);
    free(bytes.data);
}

#define METADATA(value) "\"__metadata__\":{\"modelspec.prediction_type\":\"" value "\"},"
#define MARK            "\"v_pred\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},"

TEST(metadata_and_then_a_mark_tell_the_prediction_type)
{
    static const char *const rows[][2] = {{METADATA("epsilon"), "epsilon"},
                                          {METADATA("v"), "v_prediction"},
                                          {MARK, "v_prediction"},
                                          {METADATA("epsilon") MARK, "epsilon"}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ltd_model *model = NULL;
        struct ltd_error err = {0};

        begin();
        add_to_header(rows[i][0]);
        CHECK_INT(ltd_model_open(file_path(), &model, &err), LTD_OK);
        REQUIRE(model != NULL);
        CHECK_STR(ltd_model_info(model)->prediction_type, rows[i][1]);
        ltd_model_close(model);
        model_copy_remove(dir);
    }
    begin();
    add_to_header(METADATA("flow"));
    expect_refused(__LINE__, LTD_EUNSUPPORTED, "\"flow\" is not supported");
}

TEST(a_cut_file_and_a_pickle_are_refused)
{
    begin();
    CHECK(truncate(file_path(), 200000) == 0);
    expect_refused(__LINE__, LTD_EFORMAT, "tensor \"");
    begin();
    CHECK(file_write(file_path(), "PK\3\4 and the rest", 16));
    expect_refused(__LINE__, LTD_EUNSUPPORTED, "convert it to .safetensors");
}

TEST(a_file_without_a_vocabulary_beside_it_says_what_is_wanted)
{
    char tokenizer[2048];

    begin();
    snprintf(tokenizer, sizeof tokenizer, "%s", path_of("tokenizer"));
    model_copy_remove(tokenizer);
    expect_refused(__LINE__, LTD_ENOTFOUND, "holds no vocabulary");
}

TEST(an_average_is_noted)
{
    struct ltd_json *report = NULL;
    struct ltd_error err = {0};
    const struct ltd_json *notes;

    begin();
    CHECK(change_tensor(file_path(), UNET "out.0.bias", rename_to_average));
    CHECK_INT(ltd_model_inspect(file_path(), &report, &err), LTD_OK);
    notes = ltd_json_get(report, "notes");
    CHECK_INT(ltd_json_size(notes), 1);
    CHECK_STR(ltd_json_string(ltd_json_first(notes)), "model_ema is there and is not used");
    ltd_json_free(report);
    model_copy_remove(dir);
}
