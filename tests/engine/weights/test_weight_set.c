/* test_weight_set.c - folders, shards, the default model, and the check for finite values. */
#include "weights/weight_set.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "write_safetensors.h"

static char dir[] = "/tmp/test_weight_set_XXXXXX";

__attribute__((constructor)) static void make_dir(void)
{
    if (!mkdtemp(dir))
        abort();
}

static int remove_entry(const char *name, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(name);
}

__attribute__((destructor)) static void remove_dir(void)
{
    nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* A folder of its own for one test. */
static void begin_folder(void)
{
    remove_dir();
    if (mkdir(dir, 0700) != 0)
        abort();
}

static FILE *create(const char *name)
{
    char full[128];
    FILE *file;

    snprintf(full, sizeof full, "%s/%s", dir, name);
    file = fopen(full, "wb");
    if (!file)
        abort();
    return file;
}

static void write_text(const char *name, const char *text)
{
    FILE *file = create(name);

    fputs(text, file);
    fclose(file);
}

/* A file with one F16 tensor of one value, 0. */
static void write_shard(const char *name, const char *tensor)
{
    static const uint16_t zero;
    const struct weight weight = {
        .name = tensor, .data = &zero, .dtype = DTYPE_F16, .rank = 1, .dim = {1}, .count = 1};
    char full[128];

    snprintf(full, sizeof full, "%s/%s", dir, name);
    if (!write_safetensors(full, &weight, 1))
        abort();
}

static void check_refused(int line, enum ltd_status want, const char *message)
{
    struct weight_set *const untouched = (struct weight_set *)&want;
    struct weight_set *set = untouched;
    struct ltd_error err = {0};
    const enum ltd_status got = weight_set_open(dir, "model", &set, &err);

    if (got != want || err.status != want || !strstr(err.message, message) || set != untouched)
        check_failed(__FILE__, line, "%s '%s', not %s '%s'", ltd_status_name(got), err.message,
                     ltd_status_name(want), message);
}

TEST(shards_are_merged)
{
    struct weight_set *set = NULL;
    struct ltd_error err = {0};

    begin_folder();
    write_shard("model-00001-of-00003.safetensors", "c");
    write_shard("model-00002-of-00003.safetensors", "a");
    write_shard("model-00003-of-00003.safetensors", "b");
    write_text("model.safetensors.index.json",
               "{\"metadata\":{\"total_size\":6},\"weight_map\":{\"a\":\"model-00002-of-00003.safetensors\","
               "\"c\":\"model-00001-of-00003.safetensors\",\"b\":\"model-00003-of-00003.safetensors\","
               "\"position_ids\":\"model-00002-of-00003.safetensors\"}}");
    CHECK_INT(weight_set_open(dir, "model", &set, &err), LTD_OK);
    REQUIRE(set);
    CHECK_INT(weight_set_count(set), 3);
    CHECK_STR(weight_set_at(set, 0)->name, "a");
    CHECK_STR(weight_set_at(set, 1)->name, "b");
    CHECK_STR(weight_set_at(set, 2)->name, "c");
    CHECK(weight_set_find(set, "b") == weight_set_at(set, 1));
    CHECK_INT(weight_set_file_bytes(set), 3 * (8 + 54 + 2));
    weight_set_close(set);

    write_shard("model-00003-of-00003.safetensors", "a");
    check_refused(__LINE__, LTD_EFORMAT, "tensor \"a\": it is in ");
    check_refused(__LINE__, LTD_EFORMAT, "00002-of-00003");
    check_refused(__LINE__, LTD_EFORMAT, "00003-of-00003");
    write_text("model-00003-of-00003.safetensors", "");
    check_refused(__LINE__, LTD_EFORMAT, "model-00003-of-00003.safetensors: not a safetensors file");
}

TEST(one_file_comes_before_an_index)
{
    struct weight_set *set = NULL;

    begin_folder();
    write_shard("model.safetensors", "whole");
    write_text("model.safetensors.index.json", "{");
    CHECK_INT(weight_set_open(dir, "model", &set, NULL), LTD_OK);
    REQUIRE(set);
    CHECK(weight_set_find(set, "whole") != NULL);
    weight_set_close(set);
}

static void check_holds(int line, const char *tensor)
{
    struct weight_set *set = NULL;
    struct ltd_error err = {0};

    if (weight_set_open(dir, "model", &set, &err) != LTD_OK)
        check_failed(__FILE__, line, "%s", err.message);
    else if (!weight_set_find(set, tensor))
        check_failed(__FILE__, line, "there is no tensor \"%s\"", tensor);
    weight_set_close(set);
}

TEST(the_only_variant_is_read_where_there_is_no_plain_file)
{
    begin_folder();
    write_shard("model.fp16.safetensors", "half");
    write_shard("model_ema.bf16.safetensors", "of another stem");
    check_holds(__LINE__, "half");
    write_shard("model.safetensors", "plain");
    write_shard("model.non_ema.safetensors", "trained");
    check_holds(__LINE__, "plain");
    write_text("model.safetensors", "");
    check_refused(__LINE__, LTD_EFORMAT, "model.safetensors: not a safetensors file");
}

TEST(a_variant_may_be_in_shards)
{
    begin_folder();
    write_shard("model.fp16-00001-of-00002.safetensors", "a");
    write_shard("model.fp16-00002-of-00002.safetensors", "b");
    check_refused(__LINE__, LTD_ENOTFOUND, "nor a variant");
    write_text("model.safetensors.index.fp16.json",
               "{\"weight_map\":{\"a\":\"model.fp16-00001-of-00002.safetensors\","
               "\"b\":\"model.fp16-00002-of-00002.safetensors\"}}");
    check_holds(__LINE__, "a");
    check_holds(__LINE__, "b");
}

TEST(of_several_variants_none_is_guessed)
{
    begin_folder();
    write_shard("model.non_ema.safetensors", "trained");
    write_shard("model.fp16.safetensors", "half");
    check_refused(__LINE__, LTD_EUNSUPPORTED, "the variants fp16 and non_ema: keep one of them");
}

TEST(shards_outside_the_folder_are_refused)
{
    static const char *const names[] = {"\"../x.safetensors\"",
                                        "\"../../etc/x.safetensors\"",
                                        "\"/tmp/x.safetensors\"",
                                        "\"sub/x.safetensors\"",
                                        "\"..safetensors\"",
                                        "\"x\"",
                                        "\"x.bin\"",
                                        "\".safetensors\"",
                                        "\"\"",
                                        "1",
                                        "null",
                                        "[\"x.safetensors\"]"};
    char text[128];

    begin_folder();
    for (size_t i = 0; i < COUNT(names); i++) {
        snprintf(text, sizeof text, "{\"weight_map\":{\"a\":%s}}", names[i]);
        write_text("model.safetensors.index.json", text);
        check_refused(__LINE__, LTD_EFORMAT, "a shard must be the name of a .safetensors file");
    }
}

TEST(malformed_indexes_are_refused)
{
    begin_folder();
    write_text("model.safetensors.index.json", "{");
    check_refused(__LINE__, LTD_EFORMAT, "model.safetensors.index.json: JSON");
    write_text("model.safetensors.index.json", "{\"weight_map\":[]}");
    check_refused(__LINE__, LTD_EFORMAT, "weight_map must be an object");
    write_text("model.safetensors.index.json", "{\"weight_map\":{}}");
    check_refused(__LINE__, LTD_EFORMAT, "weight_map must be an object");
    write_text("model.safetensors.index.json", "{\"weight_map\":{\"a\":\"gone.safetensors\"}}");
    check_refused(__LINE__, LTD_EFORMAT, "it lists gone.safetensors, which is not there");
}

TEST(too_many_shards_are_refused)
{
    FILE *file;

    begin_folder();
    file = create("model.safetensors.index.json");
    fputs("{\"weight_map\":{", file);
    for (int i = 0; i <= 1024; i++) {
        char name[32];

        snprintf(name, sizeof name, "%d.safetensors", i);
        fclose(create(name));
        fprintf(file, "%s\"%d\":\"%s\"", i > 0 ? "," : "", i, name);
    }
    fputs("}}", file);
    fclose(file);
    check_refused(__LINE__, LTD_EFORMAT, "more than 1024 shards");
}

TEST(a_missing_model_names_the_pickle_beside_it)
{
    begin_folder();
    check_refused(__LINE__, LTD_ENOTFOUND, "model.safetensors: no such file, nor an index of shards");
    write_text("pytorch_model.bin", "PK");
    check_refused(__LINE__, LTD_ENOTFOUND, "pytorch_model.bin is a PyTorch pickle");
    write_text("model.ckpt", "PK");
    check_refused(__LINE__, LTD_ENOTFOUND, "model.ckpt is a PyTorch pickle");
}

TEST(the_default_model_opens)
{
    static const struct {
        const char *dir, *stem, *name;
        int rank;
        size_t dim[4];
    } rows[] = {{"text_encoder", "model", "text_model.embeddings.token_embedding.weight", 2, {6000, 256}},
                {"text_encoder", "model", "text_model.encoder.layers.0.layer_norm1.bias", 1, {256}},
                {"unet", "diffusion_pytorch_model", "conv_in.weight", 4, {64, 16, 3, 3}},
                {"vae", "diffusion_pytorch_model", "decoder.conv_in.weight", 4, {128, 16, 3, 3}},
                {"vae", "diffusion_pytorch_model", "encoder.conv_in.weight", 4, {24, 3, 3, 3}}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct weight_set *set = NULL;
        struct ltd_error err = {0};
        const struct weight *w;
        char folder[64];

        snprintf(folder, sizeof folder, "models/default/%s", rows[i].dir);
        if (weight_set_open(folder, rows[i].stem, &set, &err) != LTD_OK)
            check_failed(__FILE__, __LINE__, "%s", err.message);
        REQUIRE(set);
        w = weight_set_find(set, rows[i].name);
        REQUIRE(w);
        CHECK_INT(w->dtype, DTYPE_F16);
        CHECK_INT(w->rank, rows[i].rank);
        for (int d = 0; d < w->rank; d++)
            CHECK_INT(w->dim[d], rows[i].dim[d]);
        for (size_t n = 0; n < weight_set_count(set); n++)
            if (!weight_is_finite(weight_set_at(set, n)))
                check_failed(__FILE__, __LINE__, "%s is not finite", weight_set_at(set, n)->name);
        weight_set_close(set);
    }
}

/* count values of the given bits, at an odd address, with `odd_one` at index `at`. */
static bool finite_with(enum dtype dtype, uint32_t usual, uint32_t odd_one, size_t count, size_t at)
{
    const size_t size = dtype_size(dtype);
    uint8_t bytes[1 + 4 * 70];
    const struct weight weight = {
        .data = bytes + 1, .dtype = dtype, .rank = 1, .dim = {count}, .count = count};

    for (size_t i = 0; i < count; i++)
        memcpy(bytes + 1 + size * i, i == at ? &odd_one : &usual, size);
    return weight_is_finite(&weight);
}

TEST(one_value_that_is_not_finite_is_seen_anywhere)
{
    static const struct {
        const char *what;
        enum dtype dtype;
        uint32_t bits;
        bool finite;
    } rows[] = {{"f32 inf", DTYPE_F32, 0x7F800000, false}, {"f32 -inf", DTYPE_F32, 0xFF800000, false},
                {"f32 nan", DTYPE_F32, 0x7FC00000, false}, {"f32 nan, low bit", DTYPE_F32, 0xFF800001, false},
                {"f32 max", DTYPE_F32, 0x7F7FFFFF, true},  {"f32 -max", DTYPE_F32, 0xFF7FFFFF, true},
                {"f32 subnormal", DTYPE_F32, 1, true},     {"f32 -0", DTYPE_F32, 0x80000000, true},
                {"f16 inf", DTYPE_F16, 0x7C00, false},     {"f16 -inf", DTYPE_F16, 0xFC00, false},
                {"f16 nan", DTYPE_F16, 0x7E00, false},     {"f16 nan, low bit", DTYPE_F16, 0x7C01, false},
                {"f16 max", DTYPE_F16, 0x7BFF, true},      {"f16 -max", DTYPE_F16, 0xFBFF, true},
                {"bf16 inf", DTYPE_BF16, 0x7F80, false},   {"bf16 -inf", DTYPE_BF16, 0xFF80, false},
                {"bf16 nan", DTYPE_BF16, 0x7FC0, false},   {"bf16 nan, low bit", DTYPE_BF16, 0xFF81, false},
                {"bf16 max", DTYPE_BF16, 0x7F7F, true},    {"bf16 -max", DTYPE_BF16, 0xFF7F, true}};

    for (size_t r = 0; r < COUNT(rows); r++)
        for (size_t count = 1; count <= 70; count += count < 5 ? 1 : 13)
            for (size_t at = 0; at < count; at++)
                if (finite_with(rows[r].dtype, 0x3C00, rows[r].bits, count, at) != rows[r].finite)
                    check_failed(__FILE__, __LINE__, "%s at %zu of %zu", rows[r].what, at, count);
}
