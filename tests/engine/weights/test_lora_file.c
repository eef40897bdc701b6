/* test_lora_file.c - adapter files: their layers, their forms, and what is no adapter. */
#include "weights/lora_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "weights/lora_names.h"
#include "write_safetensors.h"

static char path[] = "/tmp/latentd-lora-XXXXXX";
static float zeros[64];
static struct ltd_error err;

/* A file of tensors [4, 4] but alphas, which are [1]; the names end with NULL. */
static enum ltd_status open_names(const char *const *names, struct lora_file **file)
{
    struct weight tensors[8];
    size_t count = 0;
    enum ltd_status st;
    const int fd = mkstemp(path);

    if (fd < 0)
        abort();
    close(fd);
    for (; names[count]; count++) {
        const bool alpha = strstr(names[count], ".alpha") != NULL;

        tensors[count] = (struct weight){.name = names[count],
                                         .data = zeros,
                                         .dtype = DTYPE_F32,
                                         .rank = alpha ? 1 : 2,
                                         .dim = {alpha ? 1 : 4, 4},
                                         .count = alpha ? 1 : 16};
    }
    if (!write_safetensors(path, tensors, count))
        abort();
    *file = NULL;
    st = lora_file_open(path, file, &err);
    unlink(path);
    strcpy(path + strlen(path) - 6, "XXXXXX");
    return st;
}

#define OPEN(file, ...) open_names((const char *const[]){__VA_ARGS__, NULL}, file)

TEST(parts_of_one_layer_are_found_whatever_stands_between_them)
{
    struct lora_file *file;

    REQUIRE(OPEN(&file, "a.lora_up.weight", "a.b.lora_A.weight", "a.b.lora_B.weight", "a.lora_down.weight",
                 "a.alpha") == LTD_OK);
    CHECK_INT(lora_file_count(file), 2);
    CHECK_STR(lora_file_at(file, 0)->name, "a");
    CHECK_INT(lora_file_at(file, 0)->form, LORA_LOW_RANK);
    CHECK(lora_file_at(file, 0)->part[LORA_ALPHA] && !lora_file_at(file, 1)->part[LORA_ALPHA]);
    CHECK_STR(lora_file_at(file, 1)->name, "a.b");
    CHECK_STR(lora_file_at(file, 1)->part[LORA_DOWN]->name, "a.b.lora_A.weight");
    lora_file_close(file);
}

TEST(forms_are_told_by_their_parts)
{
    static const struct {
        const char *names[5];
        enum lora_form form;
    } rows[] = {
        {{"a.hada_w1_a", "a.hada_w1_b", "a.hada_w2_a", "a.hada_w2_b"}, LORA_HADAMARD},
        {{"a.lokr_w1", "a.lokr_w2"}, LORA_KRONECKER},
        {{"a.lokr_w1", "a.lokr_w2_a", "a.lokr_w2_b"}, LORA_KRONECKER},
        {{"a.lokr_w1_a", "a.lokr_w1_b", "a.lokr_w2_a", "a.lokr_w2_b"}, LORA_KRONECKER},
        {{"a.diff", "a.diff_b"}, LORA_DIFFERENCE},
        {{"a.diff_b"}, LORA_DIFFERENCE},
        {{"a.processor.to_q_lora.down.weight", "a.processor.to_q_lora.up.weight"}, LORA_LOW_RANK},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct lora_file *file;

        REQUIRE(open_names(rows[i].names, &file) == LTD_OK);
        CHECK_INT(lora_file_count(file), 1);
        CHECK_INT(lora_file_at(file, 0)->form, rows[i].form);
        lora_file_close(file);
    }
}

TEST(what_is_no_adapter_is_refused_by_name)
{
    static const struct {
        const char *names[5], *what;
    } rows[] = {
        {{"a.lora_up.weight"}, "a make no adapter"},
        {{"a.lora_up.weight", "a.lora_down.weight", "a.diff"}, "a make no adapter"},
        {{"a.lokr_w1", "a.lokr_w1_a", "a.lokr_w1_b", "a.lokr_w2"}, "a make no adapter"},
        {{"a.hada_w1_a", "a.hada_w1_b"}, "a make no adapter"},
        {{"a.alpha"}, "a make no adapter"},
        {{"a.lora_up.weight", "a.lora_B.weight", "a.lora_down.weight"}, "the same part"},
        {{"a.weight"}, "tensor a.weight belongs to no kind"},
        {{".alpha"}, "tensor .alpha belongs to no kind"},
        {{NULL}, "no tensor"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct lora_file *file;

        CHECK(open_names(rows[i].names, &file) != LTD_OK);
        CHECK(strstr(err.message, rows[i].what));
        CHECK(!strstr(err.message, path));
    }
}

TEST(integers_are_not_left_out_silently)
{
    static const char header[] = "{\"a.alpha\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]}}";
    const uint64_t length = sizeof header - 1, alpha = 4;
    struct lora_file *file = NULL;
    FILE *out = fdopen(mkstemp(path), "wb");

    REQUIRE(out);
    fwrite(&length, sizeof length, 1, out);
    fwrite(header, length, 1, out);
    fwrite(&alpha, sizeof alpha, 1, out);
    REQUIRE(fclose(out) == 0);
    CHECK_INT(lora_file_open(path, &file, &err), LTD_EUNSUPPORTED);
    CHECK_STR(err.message, "tensor a.alpha holds integers; save it in f32");
    unlink(path);
    strcpy(path + strlen(path) - 6, "XXXXXX");
}

TEST(names_tell_their_network)
{
    const char *layer;

    CHECK_INT(lora_network_of("lora_unet_down_blocks_0", &layer), LORA_UNET);
    CHECK_STR(layer, "down_blocks_0");
    CHECK_INT(lora_network_of("lora_te_text_model_encoder", &layer), LORA_TEXT_ENCODER);
    CHECK_INT(lora_network_of("lora_te2_text_model_encoder", &layer), LORA_TEXT_ENCODER_2);
    CHECK_INT(lora_network_of("text_encoder_2.encoder", &layer), LORA_TEXT_ENCODER_2);
    CHECK_INT(lora_network_of("base_model.model.text_encoder.encoder", &layer), LORA_TEXT_ENCODER);
    CHECK_STR(layer, "encoder");
    CHECK_INT(lora_network_of("mid_block.resnets.0", &layer), LORA_UNET);
    CHECK_STR(layer, "mid_block.resnets.0");
}
