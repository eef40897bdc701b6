/* test_single_file.c - what is wrong with a checkpoint in one file is said by file and tensor. */
#include <latentd/model.h>

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "changed_model.h"
#include "check.h"
#include "model_copy.h"
#include "nn/weight_values.h"
#include "pipeline/model_parts.h"
#include "write_safetensors.h"

#define MODELS "tests/parity/fixtures/"
#define MODEL  MODELS "single/model"
#define SD2    MODELS "single-sd2/model"
#define XL     MODELS "single-xl/model"
#define UNET   "model.diffusion_model."
#define TOKEN  "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight"

#define FUSED "cond_stage_model.model.transformer.resblocks.0.attn.in_proj_weight"

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

static void begin_with(const char *model)
{
    CHECK(model_copy_make(model, dir, sizeof dir));
}

static void begin(void)
{
    begin_with(MODEL);
}

/* Opens the copy and removes it; NULL, and a failed check, when it does not open. */
static struct ltd_model *open_copy(int line)
{
    struct ltd_model *model = NULL;
    struct ltd_error err = {0};

    if (ltd_model_open(file_path(), &model, &err) != LTD_OK)
        check_failed(__FILE__, line, "%s", err.message);
    model_copy_remove(dir);
    return model;
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

static void cut_a_row(struct weight *tensor)
{
    tensor->count -= tensor->count / tensor->dim[0]--;
}

static void rename_to_flux(struct weight *tensor)
{
    tensor->name = "double_blocks.0.img_attn.qkv.weight";
}

static void widen_to_openclips(struct weight *tensor)
{
    static uint16_t row[1024];

    tensor->data = row;
    tensor->dim[0] = 1;
    tensor->dim[1] = tensor->count = COUNT(row);
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

/* OpenCLIP's projection is the other's transpose. */
static bool equal_projections(const struct weight *got, const struct weight *want)
{
    const uint16_t *a = got->data, *b = want->data;
    bool equal = got->dtype == DTYPE_F16 && want->dtype == DTYPE_F16 && got->rank == 2 &&
                 got->dim[0] == want->dim[1] && got->dim[1] == want->dim[0];

    for (size_t i = 0; equal && i < want->count; i++)
        equal = b[i] == a[i % want->dim[1] * want->dim[0] + i / want->dim[1]];
    return equal;
}

/* Whether both sets have the same tensors, by name and to the last bit; a 1x1 kernel may be written out or
 * not. */
static bool equal_sets(const struct weight_set *got, const struct weight_set *want)
{
    bool equal = weight_set_count(got) == weight_set_count(want) && weight_set_count(want) > 0;

    for (size_t i = 0; equal && i < weight_set_count(want); i++) {
        const struct weight *a = weight_set_at(got, i), *b = weight_set_at(want, i);

        if (strcmp(a->name, "text_projection") == 0 && strcmp(b->name, "text_projection.weight") == 0) {
            equal = equal_projections(a, b);
            continue;
        }
        equal = strcmp(without_outer_name(a->name), without_outer_name(b->name)) == 0 &&
                a->dtype == b->dtype && a->count == b->count &&
                memcmp(a->data, b->data, a->count * dtype_size(a->dtype)) == 0;
        if (!equal)
            printf("%s is not %s\n", a->name, b->name);
    }
    return equal;
}

/* Whether what got says, of whatever dtype, is what want says as f32, but for a rounding; notes the dtypes.
 */
static bool equal_values(const struct weight_set *got, const struct weight_set *want, bool *seen)
{
    bool equal = weight_set_count(got) == weight_set_count(want) && weight_set_count(want) > 0;

    for (size_t i = 0; equal && i < weight_set_count(want); i++) {
        const struct weight *a = weight_set_at(got, i), *b = weight_set_at(want, i);
        float *values = malloc(a->count * sizeof *values);
        double difference = 0, all = 0;

        equal = values && strcmp(without_outer_name(a->name), without_outer_name(b->name)) == 0 &&
                a->count == b->count && b->dtype == DTYPE_F32;
        if (equal)
            weight_to_f32(a, values);
        for (size_t k = 0; equal && k < a->count; k++) {
            float wanted;

            memcpy(&wanted, (const char *)b->data + k * sizeof wanted, sizeof wanted);
            difference += pow((double)values[k] - wanted, 2);
            all += pow(wanted, 2);
        }
        equal = equal && difference <= 1e-12 * all;
        if (!equal)
            printf("%s of %s is not %s\n", a->name, dtype_name(a->dtype), b->name);
        seen[a->dtype] = true;
        free(values);
    }
    return equal;
}

TEST(every_tensor_has_the_name_and_the_values_that_the_folder_has)
{
    static const char *const models[] = {MODEL, SD2, XL, MODELS "single-refiner/model"};

    for (size_t i = 0; i < COUNT(models); i++) {
        struct ltd_model *file = NULL, *folder = NULL;
        char path[1024];

        snprintf(path, sizeof path, "%s/single.safetensors", models[i]);
        REQUIRE(ltd_model_open(path, &file, NULL) == LTD_OK);
        REQUIRE(ltd_model_open(models[i], &folder, NULL) == LTD_OK);
        CHECK(equal_sets(unet_weights(file->unet), unet_weights(folder->unet)));
        CHECK(equal_sets(vae_weights(file->vae), vae_weights(folder->vae)));
        CHECK(equal_sets(clip_text_weights(file->text), clip_text_weights(folder->text)));
        CHECK(!file->text_2 == !folder->text_2);
        if (file->text_2)
            CHECK(equal_sets(clip_text_weights(file->text_2), clip_text_weights(folder->text_2)));
        CHECK(file->zero_empty == (strcmp(models[i], XL) == 0));
        CHECK_STR(file->info.family, folder->info.family);
        CHECK_STR(file->info.prediction_type, folder->info.prediction_type);
        CHECK_STR(file->info.scheduler_class, folder->info.scheduler_class);
        ltd_model_close(file);
        ltd_model_close(folder);
    }
}

/* Written back from a diffusers folder it has nothing that is not in use. */
TEST(a_file_of_stable_diffusion_2_may_lack_what_is_not_used)
{
    static const char *const names[] = {"attn.in_proj_weight", "attn.in_proj_bias", "attn.out_proj.weight",
                                        "attn.out_proj.bias",  "ln_1.weight",       "ln_1.bias",
                                        "ln_2.weight",         "ln_2.bias",         "mlp.c_fc.weight",
                                        "mlp.c_fc.bias",       "mlp.c_proj.weight", "mlp.c_proj.bias"};
    struct ltd_model *model;

    begin_with(SD2);
    for (size_t i = 0; i < COUNT(names); i++) {
        char name[128];

        snprintf(name, sizeof name, "cond_stage_model.model.transformer.resblocks.2.%s", names[i]);
        CHECK(drop_tensor(file_path(), name));
    }
    CHECK(drop_tensor(file_path(), "cond_stage_model.model.text_projection"));
    CHECK(drop_tensor(file_path(), "cond_stage_model.model.logit_scale"));
    model = open_copy(__LINE__);
    REQUIRE(model != NULL);
    CHECK_INT(clip_text_config(model->text)->layers, 2);
    CHECK_INT(clip_text_config(model->text)->pooled_channels, 0);
    ltd_model_close(model);
}

TEST(one_vocabulary_serves_both_text_encoders)
{
    static const char prompt[] = "a fox! and a boat";
    struct ltd_model *model, *folder = NULL;
    int32_t got[77], want[77];

    begin_with(XL);
    model_copy_remove(path_of("tokenizer_2"));
    model = open_copy(__LINE__);
    REQUIRE(model != NULL && ltd_model_open(XL, &folder, NULL) == LTD_OK);
    CHECK_INT(clip_tokenizer_encode(model->tokenizer_2, prompt, strlen(prompt), got, 77, NULL, NULL), LTD_OK);
    CHECK_INT(clip_tokenizer_encode(folder->tokenizer_2, prompt, strlen(prompt), want, 77, NULL, NULL),
              LTD_OK);
    CHECK(memcmp(got, want, sizeof want) == 0);
    CHECK_INT(got[76], 0);
    CHECK(clip_tokenizer_pad(model->tokenizer) != 0);
    ltd_model_close(model);
    ltd_model_close(folder);
}

TEST(missing_tensors_are_named)
{
    static const char *const names[][2] = {
        {UNET "input_blocks.0.0.weight", UNET "input_blocks.0.0.weight"},
        {UNET "input_blocks.1.0.out_layers.3.weight", UNET "input_blocks.1.0.out_layers.3.weight"},
        {UNET "out.2.weight", UNET "out.2.weight"},
        {UNET "out.0.bias", "conv_norm_out.bias"},
        {"first_stage_model.decoder.conv_in.weight", "decoder.conv_in.weight"},
        {"first_stage_model.decoder.mid.attn_1.q.weight", "decoder.mid_block.attentions.0.to_q.weight"},
        {TOKEN, "text_model.embeddings.token_embedding.weight"},
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
    begin_with(SD2);
    CHECK(change_tensor(file_path(), FUSED, cut_a_row));
    expect_refused(__LINE__, LTD_EFORMAT, "tensor \"" FUSED "\" cannot be cut into 3 pieces of equal height");
}

TEST(other_architectures_are_refused_by_name)
{
    begin();
    CHECK(change_tensor(file_path(), TOKEN, rename_to_flux));
    expect_refused(__LINE__, LTD_EUNSUPPORTED, "double_blocks.0.img_attn.qkv.weight\" tells of Flux");
    begin();
    CHECK(change_tensor(file_path(), TOKEN, widen_to_openclips));
    expect_refused(__LINE__, LTD_EUNSUPPORTED, "1024 channels tell of a text encoder of OpenCLIP's");
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
#define ZERO_SNR        "\"ztsnr\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},"
#define MARK            "\"v_pred\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},"

/* Opens the copy and asks what tells how it draws. */
static void expect_drawn_as(int line, const char *prediction, const char *scheduler, int side)
{
    struct ltd_model *model = open_copy(line);

    REQUIRE(model != NULL);
    CHECK_STR(ltd_model_info(model)->prediction_type, prediction);
    CHECK_STR(ltd_model_info(model)->scheduler_class, scheduler);
    CHECK_INT(ltd_model_info(model)->native_width, side);
    ltd_model_close(model);
}

static void say_beside(const char *settings)
{
    CHECK(file_write(path_of("single.latentd.json"), settings, strlen(settings)));
}

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
    begin_with(SD2);
    add_to_header(METADATA("epsilon"));
    expect_drawn_as(__LINE__, "epsilon", "PNDMScheduler", 512);
    begin_with(SD2);
    expect_drawn_as(__LINE__, "v_prediction", "DDIMScheduler", 768);
    begin_with(SD2);
    add_to_header(METADATA("v"));
    say_beside("{\"prediction_type\": \"epsilon\"}");
    expect_drawn_as(__LINE__, "epsilon", "PNDMScheduler", 512);
    begin_with(XL);
    add_to_header(MARK ZERO_SNR);
    expect_drawn_as(__LINE__, "v_prediction", "EulerDiscreteScheduler", 1024);
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

/* As the tokenizers library writes it, and no folder. */
TEST(a_tokenizer_json_beside_the_file_will_do)
{
    struct file_bytes json = {NULL, 0};
    struct ltd_model *model;
    char tokenizer[2048];

    begin();
    snprintf(tokenizer, sizeof tokenizer, "%s", path_of("tokenizer"));
    model_copy_remove(tokenizer);
    REQUIRE(file_read("tests/engine/tokenizer/fixtures/json/tokenizer.json", &json));
    CHECK(file_write(path_of("tokenizer.json"), json.data, json.size));
    free(json.data);
    model = open_copy(__LINE__);
    REQUIRE(model != NULL);
    CHECK_STR(model->words, "beside the file");
    CHECK_INT(clip_tokenizer_max_length(model->tokenizer), 77);
    ltd_model_close(model);
}

/* The vocabulary is asked for when the text encoder is known, by its number of tokens. */
static void pretend_clips(struct weight *tensor)
{
    static uint16_t rows[49408 * 64];

    tensor->data = rows;
    tensor->dim[0] = 49408;
    tensor->count = COUNT(rows);
}

TEST(clips_own_vocabulary_serves_a_text_encoder_of_as_many_tokens)
{
    struct ltd_json *report = NULL;
    struct ltd_error err = {0};
    char tokenizer[2048];

    begin();
    snprintf(tokenizer, sizeof tokenizer, "%s", path_of("tokenizer"));
    model_copy_remove(tokenizer);
    CHECK(change_tensor(file_path(), TOKEN, pretend_clips));
    CHECK_INT(ltd_model_inspect(file_path(), NULL, &report, &err), LTD_OK);
    CHECK(ltd_json_bool(ltd_json_get(report, "loads")));
    CHECK_STR(ltd_json_string(ltd_json_get(report, "vocabulary")), "CLIP's own, built in");
    ltd_json_free(report);
    model_copy_remove(dir);
}

/* A tensor of OpenCLIP's by the name that stable-diffusion.cpp writes. */
static void written_name(const char *name, const char *from, const char *to, char out[256])
{
    static const char *const words[][2] = {
        {"transformer.resblocks.", "encoder.layers."},
        {"attn.in_proj_", "self_attn.in_proj."},
        {"attn.out_proj", "self_attn.out_proj"},
        {"ln_1", "layer_norm1"},
        {"ln_2", "layer_norm2"},
        {"mlp.c_fc", "mlp.fc1"},
        {"mlp.c_proj", "mlp.fc2"},
        {"ln_final", "final_layer_norm"},
        {"positional_embedding", "embeddings.position_embedding.weight"},
        {"token_embedding", "embeddings.token_embedding"},
    };
    char rest[256];

    snprintf(rest, sizeof rest, "%s", name + strlen(from));
    for (size_t i = 0; i < COUNT(words); i++) {
        const char *at = strstr(rest, words[i][0]);
        char next[256];

        if (!at)
            continue;
        snprintf(next, sizeof next, "%.*s%s%s", (int)(at - rest), rest, words[i][1],
                 at + strlen(words[i][0]));
        memcpy(rest, next, sizeof rest);
    }
    snprintf(out, 256, "%stext_model.%s", to, rest);
}

/* The file with the names that begin with from written as stable-diffusion.cpp does. */
static void rename_all(const char *from, const char *to, bool openclip)
{
    struct weight_set *set = NULL;
    struct weight *tensors;
    char(*names)[256];
    char other[2048];
    size_t count;

    REQUIRE(weight_set_open_file(file_path(), &set, NULL) == LTD_OK);
    count = weight_set_count(set);
    tensors = calloc(count, sizeof *tensors);
    names = calloc(count, sizeof *names);
    REQUIRE(tensors && names);
    for (size_t i = 0; i < count; i++) {
        tensors[i] = *weight_set_at(set, i);
        if (strncmp(tensors[i].name, from, strlen(from)) != 0)
            continue;
        if (openclip)
            written_name(tensors[i].name, from, to, names[i]);
        else
            snprintf(names[i], sizeof names[i], "%s%s", to, tensors[i].name + strlen(from));
        tensors[i].name = names[i];
    }
    snprintf(other, sizeof other, "%s", path_of("new.safetensors"));
    CHECK(write_safetensors(other, tensors, count));
    weight_set_close(set);
    CHECK(rename(other, file_path()) == 0);
    free(tensors);
    free(names);
}

TEST(openclips_tensors_may_have_stable_diffusion_cpps_names)
{
    static const struct {
        const char *model, *from, *to;
    } rows[] = {
        {SD2, "cond_stage_model.model.", "cond_stage_model.transformer."},
        {MODELS "single-refiner/model", "conditioner.embedders.0.model.", "cond_stage_model.transformer."},
        {XL, "conditioner.embedders.1.model.", "cond_stage_model.1.transformer."},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ltd_model *model, *folder = NULL;

        begin_with(rows[i].model);
        CHECK(i != 0 || drop_tensor(file_path(), "cond_stage_model.model.logit_scale"));
        CHECK(i != 1 || drop_tensor(file_path(), "conditioner.embedders.0.model.logit_scale"));
        CHECK(i != 2 || drop_tensor(file_path(), "conditioner.embedders.1.model.logit_scale"));
        rename_all(rows[i].from, rows[i].to, true);
        rename_all("conditioner.embedders.0.transformer.", "cond_stage_model.transformer.", false);
        model = open_copy(__LINE__);
        REQUIRE(model != NULL && ltd_model_open(rows[i].model, &folder, NULL) == LTD_OK);
        CHECK(equal_sets(clip_text_weights(model->text), clip_text_weights(folder->text)));
        CHECK_STR(model->info.scheduler_class, folder->info.scheduler_class);
        if (folder->text_2)
            CHECK(model->text_2 &&
                  equal_sets(clip_text_weights(model->text_2), clip_text_weights(folder->text_2)));
        ltd_model_close(model);
        ltd_model_close(folder);
    }
}

TEST(every_number_of_a_gguf_file_is_the_folders)
{
    struct ltd_model *file = NULL, *folder = NULL;
    size_t formats = 0;
    bool seen[DTYPE_COUNT] = {false};

    REQUIRE(ltd_model_open(MODELS "single-gguf/model/single.gguf", &file, NULL) == LTD_OK);
    REQUIRE(ltd_model_open(MODELS "single-gguf/model", &folder, NULL) == LTD_OK);
    CHECK(equal_values(unet_weights(file->unet), unet_weights(folder->unet), seen));
    CHECK(equal_values(vae_weights(file->vae), vae_weights(folder->vae), seen));
    CHECK(equal_values(clip_text_weights(file->text), clip_text_weights(folder->text), seen));
    for (int d = 0; d < DTYPE_COUNT; d++)
        formats += seen[d];
    CHECK_INT(formats, DTYPE_COUNT);
    ltd_model_close(file);
    ltd_model_close(folder);
}

TEST(an_average_is_noted)
{
    struct ltd_json *report = NULL;
    struct ltd_error err = {0};
    const struct ltd_json *notes;

    begin();
    CHECK(change_tensor(file_path(), UNET "out.0.bias", rename_to_average));
    CHECK_INT(ltd_model_inspect(file_path(), NULL, &report, &err), LTD_OK);
    notes = ltd_json_get(report, "notes");
    CHECK_INT(ltd_json_size(notes), 1);
    CHECK_STR(ltd_json_string(ltd_json_first(notes)), "model_ema is there and is not used");
    ltd_json_free(report);
    model_copy_remove(dir);
}
