/* test_gguf.c - one file: what the format allows is read, what it forbids is refused by name. */
#include "weights/gguf.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "model_copy.h"

static char path[] = "/tmp/test_gguf_XXXXXX";

__attribute__((constructor)) static void make_path(void)
{
    const int fd = mkstemp(path);

    if (fd < 0)
        abort();
    close(fd);
}

__attribute__((destructor)) static void remove_path(void)
{
    unlink(path);
}

/* A file that is put together piece by piece. */
struct builder {
    unsigned char bytes[4096];
    size_t size;
};

static void put_number(struct builder *b, size_t size, uint64_t number)
{
    for (size_t i = 0; i < size; i++)
        b->bytes[b->size++] = (unsigned char)(i < 8 ? number >> (8 * i) : 0);
}

static void put_text(struct builder *b, const char *text)
{
    put_number(b, 8, strlen(text));
    memcpy(b->bytes + b->size, text, strlen(text));
    b->size += strlen(text);
}

static void put_start(struct builder *b, uint64_t version, uint64_t tensors, uint64_t members)
{
    *b = (struct builder){.bytes = "GGUF", .size = 4};
    put_number(b, 4, version);
    put_number(b, 8, tensors);
    put_number(b, 8, members);
}

static void put_tensor(struct builder *b, const char *name, uint64_t inner, uint64_t outer, uint64_t type,
                       uint64_t offset)
{
    put_text(b, name);
    put_number(b, 4, 2);
    put_number(b, 8, inner);
    put_number(b, 8, outer);
    put_number(b, 4, type);
    put_number(b, 8, offset);
}

static void put_data(struct builder *b, size_t size)
{
    while (b->size % 32 != 0)
        put_number(b, 1, 0);
    for (size_t i = 0; i < size; i++)
        put_number(b, 1, i & 15);
}

/* A sound file: metadata of every kind, two matrices, of f16 and of q8_0, and integers. */
static void put_sound(struct builder *b)
{
    put_start(b, 3, 3, 4);
    put_text(b, "general.alignment");
    put_number(b, 4, 4);
    put_number(b, 4, 32);
    put_text(b, "modelspec.prediction_type");
    put_number(b, 4, 8);
    put_text(b, "v");
    put_text(b, "words");
    put_number(b, 4, 9);
    put_number(b, 4, 8);
    put_number(b, 8, 2);
    put_text(b, "a");
    put_text(b, "");
    put_text(b, "numbers");
    put_number(b, 4, 9);
    put_number(b, 4, 6);
    put_number(b, 8, 3);
    put_number(b, 12, 0);
    put_tensor(b, "half", 3, 5, 1, 0);    /* 30 bytes, then 2 that align */
    put_tensor(b, "eight", 64, 2, 8, 32); /* 136 bytes, then 24 */
    put_tensor(b, "integers", 2, 1, 26, 192);
    put_data(b, 200);
}

static struct weight_set *open_built(int line, const struct builder *b)
{
    struct weight_set *set = NULL;
    struct ltd_error err = {0};

    CHECK(file_write(path, b->bytes, b->size));
    if (weight_set_open_model(path, &set, &err) != LTD_OK)
        check_failed(__FILE__, line, "%s", err.message);
    return set;
}

static void expect_refused(int line, const struct builder *b, enum ltd_status want, const char *message)
{
    struct weight_set *set = NULL;
    struct ltd_error err = {0};
    enum ltd_status got;

    CHECK(file_write(path, b->bytes, b->size));
    got = weight_set_open_model(path, &set, &err);
    if (got != want || set || !strstr(err.message, message) || strncmp(err.message, path, strlen(path)) != 0)
        check_failed(__FILE__, line, "%s '%s', not %s with '%s'", ltd_status_name(got), err.message,
                     ltd_status_name(want), message);
    weight_set_close(set);
}

TEST(tensors_are_found_with_their_shapes_turned_and_their_data)
{
    struct builder b;
    struct weight_set *set;
    const struct weight *w;

    put_sound(&b);
    set = open_built(__LINE__, &b);
    REQUIRE(set != NULL);
    CHECK_INT(weight_set_count(set), 2);
    CHECK_STR(weight_set_buffer(set), "integers");
    CHECK_STR(weight_set_prediction(set), "v");
    w = weight_set_find(set, "half");
    REQUIRE(w != NULL);
    CHECK_INT(w->dtype, DTYPE_F16);
    CHECK_INT(w->rank, 2);
    CHECK_INT(w->dim[0], 5);
    CHECK_INT(w->dim[1], 3);
    CHECK_INT(((const unsigned char *)w->data)[17], 1);
    w = weight_set_find(set, "eight");
    REQUIRE(w != NULL);
    CHECK_INT(w->dtype, DTYPE_Q8_0);
    CHECK_INT(w->dim[0], 2);
    CHECK_INT(w->count, 128);
    CHECK(weight_is_finite(w));
    CHECK_INT((uintptr_t)w->data % 32, 0);
    CHECK_INT(weight_set_file_bytes(set), b.size);
    weight_set_close(set);
}

TEST(a_scale_that_is_infinite_is_noticed)
{
    static const struct {
        uint64_t type;
        size_t bytes, at;
    } rows[] = {{2, 144, 18},   {3, 160, 2},  {8, 272, 34},  {10, 84, 82},
                {11, 110, 108}, {12, 144, 2}, {14, 210, 208}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct builder b;
        struct weight_set *set;

        put_start(&b, 2, 1, 0);
        put_tensor(&b, "w", 256, 1, rows[i].type, 0);
        put_data(&b, rows[i].bytes);
        b.bytes[b.size - rows[i].bytes + rows[i].at + 1] = 0x7C;
        set = open_built(__LINE__, &b);
        REQUIRE(set != NULL);
        if (weight_is_finite(weight_set_at(set, 0)))
            check_failed(__FILE__, __LINE__, "type %d", (int)rows[i].type);
        weight_set_close(set);
    }
}

TEST(every_cut_of_a_file_is_refused)
{
    struct builder b, cut;

    put_sound(&b);
    for (size_t size = 4; size < b.size; size++) {
        cut = b;
        cut.size = size;
        expect_refused(__LINE__, &cut, LTD_EFORMAT, ": ");
    }
}

/* One tensor after this start. */
static void expect_tensor_refused(int line, uint64_t inner, uint64_t outer, uint64_t type, uint64_t offset,
                                  size_t data, enum ltd_status want, const char *message)
{
    struct builder b;

    put_start(&b, 3, 1, 0);
    put_tensor(&b, "w", inner, outer, type, offset);
    put_data(&b, data);
    expect_refused(line, &b, want, message);
}

TEST(what_is_wrong_with_a_tensor_is_named)
{
    const uint64_t huge = UINT64_C(1) << 62;

    expect_tensor_refused(__LINE__, 4, 1, 0, 32, 64, LTD_EFORMAT, "tensor \"w\": its data begin at byte 32");
    expect_tensor_refused(__LINE__, 4, 1, 0, 4, 32, LTD_EFORMAT, "no multiple of 32");
    expect_tensor_refused(__LINE__, 4, 1, 0, huge, 32, LTD_EFORMAT, "its data would end at byte");
    expect_tensor_refused(__LINE__, 4, 1, 0, UINT64_MAX - 31, 32, LTD_EFORMAT, "tensor \"w\": ");
    expect_tensor_refused(__LINE__, 9, 1, 0, 0, 32, LTD_EFORMAT, "its data would end at byte 36");
    expect_tensor_refused(__LINE__, 8, 1, 0, 0, 96, LTD_EFORMAT, "the tensors end at byte 32");
    expect_tensor_refused(__LINE__, huge, 1, 0, 0, 32, LTD_EFORMAT, "too many values");
    expect_tensor_refused(__LINE__, huge, huge, 0, 0, 32, LTD_EFORMAT, "too many values");
    expect_tensor_refused(__LINE__, 48, 1, 8, 0, 96, LTD_EFORMAT, "whole blocks of 32 values of q8_0");
    expect_tensor_refused(__LINE__, 128, 2, 14, 0, 224, LTD_EFORMAT, "whole blocks of 256 values of q6_K");
    expect_tensor_refused(__LINE__, 256, 1, 20, 0, 160, LTD_EUNSUPPORTED, "type 20 (iq4_nl)");
    expect_tensor_refused(__LINE__, 256, 1, 4, 0, 160, LTD_EUNSUPPORTED, "type 4 (unknown)");
    expect_tensor_refused(__LINE__, 256, 1, 99, 0, 160, LTD_EUNSUPPORTED, "type 99 (unknown)");
}

TEST(two_tensors_may_neither_overlap_nor_share_a_name)
{
    struct builder b;

    put_start(&b, 3, 2, 0);
    put_tensor(&b, "a", 8, 1, 0, 0);
    put_tensor(&b, "b", 8, 1, 0, 0);
    put_data(&b, 64);
    expect_refused(__LINE__, &b, LTD_EFORMAT, "its data begin at byte 0, where");
    put_start(&b, 3, 2, 0);
    put_tensor(&b, "a", 8, 1, 0, 0);
    put_tensor(&b, "a", 8, 1, 0, 32);
    put_data(&b, 64);
    expect_refused(__LINE__, &b, LTD_EFORMAT, "tensor \"a\": it is in");
}

TEST(huge_counts_ask_for_nothing)
{
    struct builder b;

    put_start(&b, 3, UINT64_MAX, 0);
    put_data(&b, 64);
    expect_refused(__LINE__, &b, LTD_EFORMAT, "tells of 18446744073709551615 tensors");
    put_start(&b, 3, 0, UINT64_MAX);
    put_data(&b, 64);
    expect_refused(__LINE__, &b, LTD_EFORMAT, "tells of 18446744073709551615 metadata");
    put_start(&b, 3, 0, 1);
    put_text(&b, "words");
    put_number(&b, 4, 9);
    put_number(&b, 4, 8);
    put_number(&b, 8, UINT64_MAX);
    put_data(&b, 64);
    expect_refused(__LINE__, &b, LTD_EFORMAT, "ends within its header");
    put_start(&b, 3, 0, 1);
    put_text(&b, "numbers");
    put_number(&b, 4, 9);
    put_number(&b, 4, 12);
    put_number(&b, 8, UINT64_MAX);
    put_data(&b, 64);
    expect_refused(__LINE__, &b, LTD_EFORMAT, "larger than memory");
    put_start(&b, 3, 1, 0);
    put_number(&b, 8, UINT64_MAX);
    put_data(&b, 64);
    expect_refused(__LINE__, &b, LTD_EFORMAT, "ends within its header");
}

TEST(other_versions_and_odd_metadata_are_refused)
{
    struct builder b;

    put_start(&b, 1, 0, 0);
    expect_refused(__LINE__, &b, LTD_EUNSUPPORTED, "GGUF of version 1 is not read");
    put_start(&b, 0x03000000, 0, 0);
    expect_refused(__LINE__, &b, LTD_EUNSUPPORTED, "version 50331648");
    put_start(&b, 3, 0, 1);
    put_text(&b, "general.alignment");
    put_number(&b, 4, 4);
    put_number(&b, 4, 24);
    expect_refused(__LINE__, &b, LTD_EFORMAT, "general.alignment must be a power of two");
    put_start(&b, 3, 0, 1);
    put_text(&b, "odd");
    put_number(&b, 4, 13);
    put_data(&b, 8);
    expect_refused(__LINE__, &b, LTD_EFORMAT, "a value of type 13");
    put_start(&b, 3, 0, 1);
    put_text(&b, "nested");
    put_number(&b, 4, 9);
    put_number(&b, 4, 9);
    put_number(&b, 8, 1);
    put_data(&b, 8);
    expect_refused(__LINE__, &b, LTD_EFORMAT, "an array of type 9");
    put_start(&b, 3, 1, 0);
    put_tensor(&b, "two\nlines", 1, 1, 0, 0);
    put_data(&b, 32);
    expect_refused(__LINE__, &b, LTD_EFORMAT, "control character");
}
