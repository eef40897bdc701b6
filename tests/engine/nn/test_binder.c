/* test_binder.c - tensors are found by name and shape; what is wrong with them is said by name. */
#include "nn/binder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "random_values.h"
#include "write_safetensors.h"

static char path[] = "/tmp/test_binder_XXXXXX";

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

/* A binder on a file of these tensors; end frees what it needs. */
struct bench {
    struct weight_set *set;
    struct heap_list memory;
    struct ltd_error err;
    struct binder b;
    struct bind_report report;
};

static void begin(struct bench *t, const struct weight *tensors, size_t count, bool reporting)
{
    *t = (struct bench){0};
    if (!write_safetensors(path, tensors, count) || weight_set_open_file(path, &t->set, &t->err) != LTD_OK)
        abort();
    if (reporting)
        t->report = (struct bind_report){ltd_json_new_array(), ltd_json_new_array(), ltd_json_new_array()};
    if (binder_init(&t->b, "unet", t->set, &t->memory, reporting ? &t->report : NULL, &t->err) != LTD_OK)
        abort();
}

static void end(struct bench *t)
{
    ltd_json_free(t->report.missing);
    ltd_json_free(t->report.misshapen);
    ltd_json_free(t->report.unused);
    heap_list_fini(&t->memory);
    weight_set_close(t->set);
}

/* Two convolutions and a vector: "a.weight" [2, 3, 3, 3] f16, "a.bias" [2] f32, "b.weight" [4, 2, 1, 1] bf16,
 * and a vector of an odd number of f16 in front, so that what follows is not aligned to 4. */
enum { FRONT, A_WEIGHT, A_BIAS, B_WEIGHT, TENSORS };

struct sample {
    struct weight tensors[TENSORS];
    float front[1], a[54], b[8];
    float bias[2];
    void *codes[3];
};

static void make_sample(struct sample *s)
{
    *s = (struct sample){.bias = {0.5f, -2}};
    s->codes[0] = random_weights(1, DTYPE_F16, 1, s->front);
    s->codes[1] = random_weights(2, DTYPE_F16, 54, s->a);
    s->codes[2] = random_weights(3, DTYPE_BF16, 8, s->b);
    s->tensors[FRONT] = (struct weight){"front", s->codes[0], DTYPE_F16, 1, {1}, 1};
    s->tensors[A_WEIGHT] = (struct weight){"a.weight", s->codes[1], DTYPE_F16, 4, {2, 3, 3, 3}, 54};
    s->tensors[A_BIAS] = (struct weight){"a.bias", s->bias, DTYPE_F32, 1, {2}, 2};
    s->tensors[B_WEIGHT] = (struct weight){"b.weight", s->codes[2], DTYPE_BF16, 4, {4, 2, 1, 1}, 8};
}

static void free_sample(struct sample *s)
{
    for (size_t i = 0; i < COUNT(s->codes); i++)
        free(s->codes[i]);
}

static void bind_all(struct binder *b)
{
    size_t mark;

    binder_vector(b, "front", 1);
    mark = binder_enter(b, "%c", 'a');
    binder_conv(b, "weight", 2, 3, 3);
    binder_vector(b, "bias", 2);
    binder_leave(b, mark);
    mark = binder_enter(b, "b");
    binder_matrix(b, "weight", 4, 2);
    binder_leave(b, mark);
}

/* The value i of a matrix in any dtype. */
static float matrix_value(const struct matrix *m, size_t i)
{
    float scratch = 0;
    size_t stride;

    return *matrix_block(m, i / m->cols, 1, i % m->cols, 1, &scratch, &stride);
}

TEST(weights_come_in_the_layout_and_dtype_that_was_asked)
{
    struct sample s;
    struct bench t;
    struct matrix a, b;
    const float *front, *bias;

    make_sample(&s);
    begin(&t, s.tensors, TENSORS, false);
    front = binder_vector(&t.b, "front", 1);
    a = binder_conv(&t.b, "a.weight", 2, 3, 3);
    bias = binder_vector(&t.b, "a.bias", 2);
    b = binder_matrix(&t.b, "b.weight", 4, 2);
    REQUIRE(binder_finish(&t.b) == LTD_OK);
    CHECK(front[0] == s.front[0] && bias[0] == 0.5f && bias[1] == -2);
    CHECK_INT(a.dtype, DTYPE_F16);
    CHECK_INT(a.rows, 2);
    CHECK_INT(a.cols, 27);
    for (size_t o = 0; o < 2; o++)
        for (size_t c = 0; c < 3; c++)
            for (size_t k = 0; k < 9; k++)
                CHECK(matrix_value(&a, (o * 3 + c) * 9 + k) == s.a[(o * 3 + c) * 9 + k]);
    CHECK_INT(b.dtype, DTYPE_BF16);
    for (size_t i = 0; i < 8; i++)
        CHECK(matrix_value(&b, i) == s.b[i]);
    end(&t);
    free_sample(&s);
}

TEST(f32_that_is_not_aligned_in_the_file_is_copied)
{
    const uint16_t odd = 0x3c00;
    const float values[] = {1, -2, 3, -4, 5, -6};
    const struct weight tensors[] = {{"odd", &odd, DTYPE_F16, 1, {1}, 1},
                                     {"m", values, DTYPE_F32, 2, {2, 3}, 6}};
    struct bench t;
    struct matrix m;

    begin(&t, tensors, 2, false);
    binder_vector(&t.b, "odd", 1);
    m = binder_matrix(&t.b, "m", 2, 3);
    REQUIRE(binder_finish(&t.b) == LTD_OK);
    CHECK_INT((uintptr_t)m.data % sizeof(float), 0);
    CHECK(memcmp(m.data, values, sizeof values) == 0);
    end(&t);
}

static void check_error(int line, const struct weight *tensors, size_t count, const char *message)
{
    struct bench t;

    begin(&t, tensors, count, false);
    bind_all(&t.b);
    if (binder_finish(&t.b) != LTD_EFORMAT || strcmp(t.err.message, message) != 0)
        check_failed(__FILE__, line, "'%s', not '%s'", t.err.message, message);
    end(&t);
}

TEST(the_first_thing_wrong_is_named)
{
    struct sample s;
    struct weight bad[TENSORS + 1];
    float infinite[] = {1, INFINITY}, nan[] = {NAN, 1};

    make_sample(&s);
    check_error(__LINE__, s.tensors, B_WEIGHT, "unet: tensor b.weight [4, 2] is missing");
    memcpy(bad, s.tensors, sizeof s.tensors);
    bad[A_WEIGHT].name = "a.wait";
    check_error(__LINE__, bad, TENSORS, "unet: tensor a.weight [2, 3, 3, 3] is missing");
    memcpy(bad, s.tensors, sizeof s.tensors);
    bad[A_WEIGHT].dim[0] = 3;
    bad[A_WEIGHT].dim[1] = 2;
    check_error(__LINE__, bad, TENSORS,
                "unet: tensor a.weight has shape [3, 2, 3, 3], but config.json asks for [2, 3, 3, 3]");
    memcpy(bad, s.tensors, sizeof s.tensors);
    bad[B_WEIGHT].rank = 1;
    bad[B_WEIGHT].dim[0] = 8;
    check_error(__LINE__, bad, TENSORS,
                "unet: tensor b.weight has shape [8], but config.json asks for [4, 2]");
    memcpy(bad, s.tensors, sizeof s.tensors);
    bad[A_BIAS].data = infinite;
    check_error(__LINE__, bad, TENSORS, "unet: tensor a.bias has values that are not finite");
    bad[A_BIAS].data = nan;
    check_error(__LINE__, bad, TENSORS, "unet: tensor a.bias has values that are not finite");
    memcpy(bad, s.tensors, sizeof s.tensors);
    bad[TENSORS] = (struct weight){"zone.extra", s.bias, DTYPE_F32, 1, {2}, 2};
    check_error(__LINE__, bad, TENSORS + 1,
                "unet: tensor zone.extra belongs to nothing that config.json describes");
    free_sample(&s);
}

static void check_list(int line, const struct ltd_json *list, size_t count, const char *first,
                       const char *last)
{
    const struct ltd_json *v = ltd_json_first(list);

    if (ltd_json_size(list) != count)
        check_failed(__FILE__, line, "%zu entries, not %zu", ltd_json_size(list), count);
    if (!v)
        return;
    CHECK_STR(ltd_json_string(v), first);
    while (ltd_json_next(v))
        v = ltd_json_next(v);
    CHECK_STR(ltd_json_string(v), last);
}

TEST(a_report_collects_all_that_is_wrong)
{
    struct sample s;
    struct weight bad[5];
    float infinite[] = {1, INFINITY};
    struct bench t;

    make_sample(&s);
    memcpy(bad, s.tensors, sizeof s.tensors);
    bad[FRONT].name = "first.extra";
    bad[A_WEIGHT].dim[0] = 3;
    bad[A_WEIGHT].dim[1] = 2;
    bad[A_BIAS].data = infinite;
    bad[B_WEIGHT].name = "last.extra";
    begin(&t, bad, TENSORS, true);
    bind_all(&t.b);
    CHECK_INT(binder_finish(&t.b), LTD_OK);
    check_list(__LINE__, t.report.missing, 2, "front [1]", "b.weight [4, 2]");
    check_list(__LINE__, t.report.misshapen, 2,
               "unet: tensor a.weight has shape [3, 2, 3, 3], but config.json asks for [2, 3, 3, 3]",
               "unet: tensor a.bias has values that are not finite");
    check_list(__LINE__, t.report.unused, 2, "first.extra", "last.extra");
    end(&t);
    free_sample(&s);
}

TEST(a_prefix_grows_and_shrinks)
{
    struct sample s;
    struct bench t;
    size_t outer, inner;

    make_sample(&s);
    begin(&t, s.tensors, TENSORS, false);
    CHECK(binder_has(&t.b, "a.weight") && !binder_has(&t.b, "weight"));
    outer = binder_enter(&t.b, "blocks.%d", 3);
    inner = binder_enter(&t.b, "x");
    CHECK_STR(t.b.prefix, "blocks.3.x.");
    binder_leave(&t.b, inner);
    CHECK_STR(t.b.prefix, "blocks.3.");
    binder_leave(&t.b, outer);
    CHECK_STR(t.b.prefix, "");
    CHECK_INT(t.b.status, LTD_OK);
    inner = binder_enter(&t.b, "%0*d", BINDER_NAME_MAX, 0);
    CHECK_INT(t.b.status, LTD_EFORMAT);
    CHECK_STR(t.err.message, "unet: a tensor name is too long");
    binder_leave(&t.b, inner);
    CHECK_INT(binder_finish(&t.b), LTD_EFORMAT);
    end(&t);
    free_sample(&s);
}

TEST(an_error_is_kept_and_what_follows_does_nothing)
{
    struct sample s;
    struct bench t;

    make_sample(&s);
    begin(&t, s.tensors, TENSORS, false);
    binder_fail(&t.b, LTD_EUNSUPPORTED, "the %s one", "first");
    binder_fail(&t.b, LTD_EFORMAT, "another");
    CHECK(binder_vector(&t.b, "front", 1) == NULL);
    CHECK(binder_matrix(&t.b, "b.weight", 4, 2).data == NULL);
    CHECK(binder_conv(&t.b, "a.weight", 2, 3, 3).data == NULL);
    CHECK(binder_array(&t.b, 1, 1) == NULL);
    CHECK_INT(binder_finish(&t.b), LTD_EUNSUPPORTED);
    CHECK_STR(t.err.message, "the first one");
    end(&t);
    free_sample(&s);
}
