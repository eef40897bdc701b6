/* Files of textual inversion embeddings: the forms that are read, and what is refused by its own words. */
#include "text/embedding_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "write_safetensors.h"

enum { CHANNELS = 4, MOST = 3 };

static char path[] = "/tmp/ltd-embedding-XXXXXX";

__attribute__((constructor)) static void make_file(void)
{
    const int fd = mkstemp(path);

    if (fd >= 0)
        close(fd);
}

__attribute__((destructor)) static void remove_file(void)
{
    unlink(path);
}

static const float values[12] = {1, -2, 0.5f, 4, 5, 6, 7, 8, 9, 10, 11, 12};
static const uint16_t halves[4] = {0x3c00, 0xc000, 0x3800, 0x4400},
                      brains[4] = {0x3f80, 0xc000, 0x3f00, 0x4080};

static struct weight matrix(const char *name, size_t rows, size_t columns)
{
    return (struct weight){
        .name = name, .data = values, .rank = 2, .dim = {rows, columns}, .count = rows * columns};
}

/* Writes the tensors and reads them for encoders of so many channels; the values that came out are freed. */
static enum ltd_status try_encoders(const struct weight *tensors, size_t count, const size_t channels[2],
                                    size_t *vectors, float *first, float *second, struct ltd_error *err)
{
    struct embedding_vectors got;
    enum ltd_status st;

    CHECK(write_safetensors(path, tensors, count));
    st = embedding_file_read(path, channels, MOST, &got, err);
    if (st == LTD_OK) {
        *vectors = got.count;
        CHECK((channels[1] > 0) == (got.second != NULL));
        if (first)
            memcpy(first, got.first, channels[0] * sizeof *first);
        if (second)
            memcpy(second, got.second, channels[1] * sizeof *second);
    }
    embedding_vectors_fini(&got);
    return st;
}

static enum ltd_status try_file(const struct weight *tensors, size_t count, size_t *vectors, float *first,
                                struct ltd_error *err)
{
    return try_encoders(tensors, count, (const size_t[2]){CHANNELS, 0}, vectors, first, NULL, err);
}

TEST(one_tensor_of_any_name_and_dtype)
{
    const struct weight tensors[] = {
        {.name = "<cat>", .data = values, .dtype = DTYPE_F32, .rank = 1, .dim = {4}, .count = 4},
        {.name = "*", .data = halves, .dtype = DTYPE_F16, .rank = 2, .dim = {1, 4}, .count = 4},
        {.name = "x", .data = brains, .dtype = DTYPE_BF16, .rank = 1, .dim = {4}, .count = 4},
    };

    for (size_t i = 0; i < COUNT(tensors); i++) {
        float first[CHANNELS] = {0};
        size_t vectors = 0;

        CHECK_INT(try_file(&tensors[i], 1, &vectors, first, NULL), LTD_OK);
        CHECK_INT(vectors, 1);
        for (size_t k = 0; k < CHANNELS; k++)
            CHECK_NEAR(first[k], values[k], 0);
    }
}

TEST(emb_params_among_others)
{
    struct weight tensors[] = {matrix("a", 1, 4), matrix("emb_params", 3, 4)};
    float first[CHANNELS];
    size_t vectors = 0;

    CHECK_INT(try_file(tensors, 2, &vectors, first, NULL), LTD_OK);
    CHECK_INT(vectors, 3);
    CHECK_NEAR(first[3], 4, 0);
}

TEST(two_text_encoders_have_vectors_each)
{
    static const size_t channels[2] = {CHANNELS, 6};
    const struct weight tensors[] = {matrix("clip_g", 2, 6), matrix("clip_l", 2, 4)};
    const struct weight unequal[] = {matrix("clip_g", 1, 6), matrix("clip_l", 2, 4)};
    const struct weight narrow[] = {matrix("clip_g", 2, 4), matrix("clip_l", 2, 4)};
    const struct weight alone = matrix("clip_l", 2, 4), other = matrix("emb_params", 2, 4);
    float first[CHANNELS], second[6];
    struct ltd_error err;
    size_t vectors = 0;

    CHECK_INT(try_encoders(tensors, 2, channels, &vectors, first, second, &err), LTD_OK);
    CHECK_INT(vectors, 2);
    CHECK_NEAR(first[3], values[3], 0);
    CHECK_NEAR(second[5], values[5], 0);
    CHECK_INT(try_encoders(unequal, 2, channels, &vectors, NULL, NULL, &err), LTD_EFORMAT);
    CHECK_STR(err.message, "has 2 vectors in clip_l and 1 in clip_g");
    CHECK_INT(try_encoders(narrow, 2, channels, &vectors, NULL, NULL, &err), LTD_EUNSUPPORTED);
    CHECK(strstr(err.message, "4 values, and this model's text encoder takes 6"));
    CHECK_INT(try_encoders(&alone, 1, channels, &vectors, NULL, NULL, &err), LTD_EUNSUPPORTED);
    CHECK(strstr(err.message, "has no tensor clip_g"));
    CHECK_INT(try_encoders(&other, 1, channels, &vectors, NULL, NULL, &err), LTD_EUNSUPPORTED);
    CHECK(strstr(err.message, "has no tensor clip_l"));
}

static void check_refused(const struct weight *tensors, size_t count, enum ltd_status want, const char *words)
{
    struct ltd_error err = {.message = ""};
    size_t vectors = 99;
    const enum ltd_status got = try_file(tensors, count, &vectors, NULL, &err);

    if (got != want || !strstr(err.message, words) || strstr(err.message, path) || vectors != 99)
        check_failed(__FILE__, __LINE__, "%s '%s', not %s with '%s'", ltd_status_name(got), err.message,
                     ltd_status_name(want), words);
}

TEST(what_is_no_embedding_for_this_model_is_refused)
{
    static const float nan_values[4] = {1, 2, (float)__builtin_nan(""), 4};
    const struct weight two[] = {matrix("a", 1, 4), matrix("b", 1, 4)};
    const struct weight xl[] = {matrix("clip_g", 2, 6), matrix("clip_l", 2, 4)};
    const struct weight wide = matrix("emb_params", 2, 6), many = matrix("emb_params", 1, 4);
    const struct weight empty = {.name = "emb_params", .data = values, .rank = 2, .dim = {0, 4}};
    const struct weight deep = {
        .name = "emb_params", .data = values, .rank = 3, .dim = {1, 1, 4}, .count = 4};
    const struct weight bad = {.name = "emb_params", .data = nan_values, .rank = 1, .dim = {4}, .count = 4};
    struct weight longer = many;

    check_refused(two, 2, LTD_EFORMAT, "2 tensors");
    check_refused(two, 0, LTD_EFORMAT, "0 tensors");
    check_refused(xl, 2, LTD_EUNSUPPORTED, "clip_g");
    check_refused(&wide, 1, LTD_EUNSUPPORTED, "6 values, and this model's text encoder takes 4");
    check_refused(&empty, 1, LTD_EFORMAT, "emb_params");
    check_refused(&deep, 1, LTD_EFORMAT, "3 dimensions");
    check_refused(&bad, 1, LTD_EFORMAT, "not finite");
    longer.dim[0] = MOST;
    longer.count = MOST * CHANNELS;
    CHECK_INT(try_file(&longer, 1, &(size_t){0}, NULL, NULL), LTD_OK);
    longer.dim[0] = 6;
    longer.dim[1] = 2;
    check_refused(&longer, 1, LTD_EUNSUPPORTED, "2 values");
}

TEST(more_vectors_than_a_chunk_are_refused)
{
    static const float long_values[(MOST + 1) * CHANNELS];
    const struct weight w = {.name = "emb_params",
                             .data = long_values,
                             .rank = 2,
                             .dim = {MOST + 1, CHANNELS},
                             .count = (MOST + 1) * CHANNELS};

    check_refused(&w, 1, LTD_EUNSUPPORTED, "4 vectors, and this model reads 3 tokens");
}

TEST(what_is_no_weight_file_is_refused)
{
    static const char pickle[] = "\x80\x02}q\x01X\x0f";
    struct ltd_error err = {.message = ""};
    static const size_t channels[2] = {CHANNELS, 0};
    struct embedding_vectors got;
    FILE *file = fopen(path, "wb");

    REQUIRE(file && fwrite(pickle, 1, sizeof pickle, file) == sizeof pickle);
    fclose(file);
    CHECK(embedding_file_read(path, channels, MOST, &got, &err) != LTD_OK && err.message[0]);
    CHECK(!strstr(err.message, "/tmp") && !got.first && !got.second);
    CHECK_INT(embedding_file_read("/no/such/file.safetensors", channels, MOST, &got, &err), LTD_ENOTFOUND);
}
