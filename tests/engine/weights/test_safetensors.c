/* test_safetensors.c - one file: what the format allows is read, what it forbids is refused by name. */
#include "weights/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static char path[] = "/tmp/test_safetensors_XXXXXX";

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

static void write_file(const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");

    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
        abort();
}

/* The bytes of a file: the given length field, the header, and data_size bytes 0, 1, 2, ... of data. */
static size_t file_bytes(uint8_t *out, uint64_t length, const char *header, size_t data_size)
{
    for (size_t i = 0; i < 8; i++)
        out[i] = (uint8_t)(length >> (8 * i));
    memcpy(out + 8, header, strlen(header));
    for (size_t i = 0; i < data_size; i++)
        out[8 + strlen(header) + i] = (uint8_t)i;
    return 8 + strlen(header) + data_size;
}

static void write_tensors(const char *header, size_t data_size)
{
    uint8_t *bytes = malloc(8 + strlen(header) + data_size);

    if (!bytes)
        abort();
    write_file(bytes, file_bytes(bytes, strlen(header), header, data_size));
    free(bytes);
}

static void check_refused(int line, const char *about, enum ltd_status want, const char *message)
{
    struct weight_set *const untouched = (struct weight_set *)&want;
    struct weight_set *set = untouched;
    struct ltd_error err = {0};
    const enum ltd_status got = weight_set_open_file(path, &set, &err);

    if (got != want || err.status != want)
        check_failed(__FILE__, line, "%s: %s, not %s", about, ltd_status_name(got), ltd_status_name(want));
    else if (!strstr(err.message, message) || strncmp(err.message, path, strlen(path)) != 0)
        check_failed(__FILE__, line, "%s: the message is '%s', without the path or '%s'", about, err.message,
                     message);
    if (set != untouched)
        check_failed(__FILE__, line, "%s: the out-parameter was written", about);
}

struct bad_row {
    const char *header;
    size_t data_size;
    const char *message;
};

static void check_rows_refused(const struct bad_row *rows, size_t count, enum ltd_status want)
{
    for (size_t i = 0; i < count; i++) {
        write_tensors(rows[i].header, rows[i].data_size);
        check_refused(__LINE__, rows[i].header, want, rows[i].message);
    }
}

static struct weight_set *open_tensors(const char *header, size_t data_size)
{
    struct weight_set *set = NULL;
    struct ltd_error err = {0};

    write_tensors(header, data_size);
    if (weight_set_open_file(path, &set, &err) != LTD_OK)
        check_failed(__FILE__, __LINE__, "%s is refused: %s", header, err.message);
    return set;
}

TEST(tensors_are_found_with_shape_dtype_and_data)
{
    struct weight_set *set =
        open_tensors("{\"__metadata__\":{\"format\":\"pt\"},"
                     "\"w\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[4,28]},"
                     "\"b\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[28,30]},"
                     "\"a\":{\"dtype\":\"F16\",\"shape\":[2,1],\"data_offsets\":[0,4]}}   ",
                     30);
    const struct weight *w;
    uint8_t first;

    REQUIRE(set);
    CHECK_INT(weight_set_count(set), 3);
    CHECK_STR(weight_set_at(set, 0)->name, "a");
    CHECK_STR(weight_set_at(set, 1)->name, "b");
    CHECK_STR(weight_set_at(set, 2)->name, "w");
    w = weight_set_find(set, "w");
    REQUIRE(w);
    CHECK(w == weight_set_at(set, 2));
    CHECK_INT(w->dtype, DTYPE_F32);
    CHECK_INT(w->rank, 2);
    CHECK_INT(w->dim[0], 2);
    CHECK_INT(w->dim[1], 3);
    CHECK_INT(w->count, 6);
    memcpy(&first, w->data, 1);
    CHECK_INT(first, 4);
    CHECK_INT(weight_set_find(set, "a")->dtype, DTYPE_F16);
    CHECK_INT(weight_set_find(set, "b")->dtype, DTYPE_BF16);
    CHECK(!weight_set_find(set, "c") && !weight_set_find(set, "") && !weight_set_find(set, "__metadata__"));
    weight_set_close(set);
    weight_set_close(NULL);
}

TEST(scalars_empty_tensors_and_unaligned_data_are_legal)
{
    /* Five bytes of U8 first, so that the floats lie at odd addresses for any header length. */
    struct weight_set *set = open_tensors("{\"u\":{\"dtype\":\"U8\",\"shape\":[5],\"data_offsets\":[0,5]},"
                                          "\"s\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[5,9]},"
                                          "\"e\":{\"dtype\":\"F16\",\"shape\":[3,0],\"data_offsets\":[5,5]},"
                                          "\"z\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[13,13]},"
                                          "\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[9,13]}}",
                                          13);
    const uint8_t want[4] = {5, 6, 7, 8};

    REQUIRE(set);
    CHECK_INT(weight_set_count(set), 4);
    CHECK_INT(weight_set_find(set, "s")->rank, 0);
    CHECK_INT(weight_set_find(set, "s")->count, 1);
    CHECK(memcmp(weight_set_find(set, "s")->data, want, 4) == 0);
    CHECK_INT(weight_set_find(set, "e")->count, 0);
    CHECK_INT(weight_set_find(set, "e")->dim[0], 3);
    CHECK_INT(weight_set_find(set, "z")->count, 0);
    CHECK(weight_is_finite(weight_set_find(set, "s")) && weight_is_finite(weight_set_find(set, "e")));
    weight_set_close(set);

    set = open_tensors("{}", 0);
    REQUIRE(set);
    CHECK_INT(weight_set_count(set), 0);
    CHECK_INT(weight_set_file_bytes(set), 10);
    CHECK(!weight_set_find(set, "a"));
    weight_set_close(set);
}

TEST(integer_tensors_are_checked_but_not_listed)
{
    static const struct {
        const char *dtype;
        size_t bytes;
    } rows[] = {{"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"U16", 2}, {"I16", 2},
                {"U32", 4},  {"I32", 4}, {"U64", 8}, {"I64", 8}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        char header[128];
        struct weight_set *set;

        snprintf(header, sizeof header,
                 "{\"ids\":{\"dtype\":\"%s\",\"shape\":[1,7],\"data_offsets\":[0,%zu]}}", rows[i].dtype,
                 7 * rows[i].bytes);
        set = open_tensors(header, 7 * rows[i].bytes);
        REQUIRE(set);
        CHECK_INT(weight_set_count(set), 0);
        weight_set_close(set);
        write_tensors(header, 7 * rows[i].bytes + 1);
        check_refused(__LINE__, header, LTD_EFORMAT, "the tensors end at byte");
    }
}

TEST(wrong_header_lengths_are_refused)
{
    static const char header[] = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";
    const uint64_t whole = 8 + sizeof header - 1 + 4;
    const struct {
        uint64_t length;
        const char *message;
    } rows[] = {{0, "does not begin with '{'"},
                {1, "in the header"},
                {sizeof header - 2, "in the header"},
                {sizeof header, "in the header"},
                {whole - 8, "in the header"},
                {whole - 7, "would end after the file"},
                {whole, "would end after the file"},
                {100000001, "would end after the file"},
                {UINT64_C(1) << 63, "would end after the file"},
                {UINT64_MAX - 7, "would end after the file"},
                {UINT64_MAX, "would end after the file"}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t bytes[256];
        char about[32];

        snprintf(about, sizeof about, "length %ju", (uintmax_t)rows[i].length);
        write_file(bytes, file_bytes(bytes, rows[i].length, header, 4));
        check_refused(__LINE__, about, LTD_EFORMAT, rows[i].message);
    }
}

TEST(a_huge_header_in_a_sparse_file_is_refused_at_once)
{
    uint8_t bytes[16];
    struct timespec begin, end;

    write_file(bytes, file_bytes(bytes, 100000001, "{", 0));
    REQUIRE(truncate(path, (off_t)1 << 40) == 0 || truncate(path, (off_t)1 << 30) == 0);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    check_refused(__LINE__, "100,000,001 bytes", LTD_EFORMAT, "longer than 100000000");
    clock_gettime(CLOCK_MONOTONIC, &end);
    CHECK((double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec) < 0.1);
}

TEST(every_truncation_is_refused)
{
    static const char header[] = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                                 "\"b\":{\"dtype\":\"F16\",\"shape\":[],\"data_offsets\":[8,10]}}";
    uint8_t bytes[256];
    const size_t size = file_bytes(bytes, sizeof header - 1, header, 10);
    struct weight_set *set = NULL;

    for (size_t n = 0; n < size; n++) {
        write_file(bytes, n);
        check_refused(__LINE__, "a prefix", LTD_EFORMAT, path);
    }
    write_file(bytes, size);
    CHECK_INT(weight_set_open_file(path, &set, NULL), LTD_OK);
    weight_set_close(set);
}

TEST(malformed_headers_are_refused)
{
    static const struct bad_row rows[] = {
        {"[]", 0, "does not begin with '{'"},
        {" {}", 0, "does not begin with '{'"},
        {"{", 0, "in the header"},
        {"{}x", 0, "in the header"},
        {"{\"a\xFF\":{}}", 0, "not valid UTF-8"},
        {"{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 0, "nested deeper"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},"
         "\"\\u0061\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[4,8]}}",
         8, "duplicate key"},
        {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4,
         "duplicate key"},
        {"{\"__metadata__\":[]}", 0, "__metadata__ must be an object"},
        {"{\"__metadata__\":{\"a\":\"b\",\"c\":1}}", 0, "__metadata__ must hold strings"},
        {"{\"__metadata__\":{\"a\":{}}}", 0, "__metadata__ must hold strings"},
        {"{\"a\\n\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4, "control character"},
    };

    check_rows_refused(rows, COUNT(rows), LTD_EFORMAT);
}

TEST(malformed_entries_are_refused_with_the_tensors_name)
{
    static const struct bad_row rows[] = {
        {"{\"w\":1}", 0, "tensor \"w\": its header entry must be an object"},
        {"{\"w\":[]}", 0, "tensor \"w\": its header entry must be an object"},
        {"{\"w\":{}}", 0, "tensor \"w\": its dtype must be a string"},
        {"{\"w\":{\"dtype\":32,\"shape\":[],\"data_offsets\":[0,0]}}", 0, "tensor \"w\": its dtype must be"},
        {"{\"w\":{\"dtype\":\"f32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
         "tensor \"w\": its dtype is not"},
        {"{\"w\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "tensor \"w\": its shape must be an array"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":4,\"data_offsets\":[0,4]}}", 4, "its shape must be an array"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4,
         "\"w\": a dimension must be"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}", 4,
         "\"w\": a dimension must be"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[\"1\"],\"data_offsets\":[0,4]}}", 4, "a dimension must be"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[18446744073709551616],\"data_offsets\":[0,4]}}", 4,
         "a dimension"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0,
         "tensor \"w\": its shape has too many values"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904],\"data_offsets\":[0,0]}}", 0,
         "its shape and dtype ask for 4611686018427387904 values of 32 bits"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "tensor \"w\": its data_offsets must be two"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4, "its data_offsets must be two"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,4]}}", 4,
         "its data_offsets must be two"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}", 4,
         "its data_offsets must be two"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4.0]}}", 4,
         "its data_offsets must be two"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":{\"a\":0,\"b\":4}}}", 4,
         "data_offsets must be"},
    };

    check_rows_refused(rows, COUNT(rows), LTD_EFORMAT);
}

TEST(data_ranges_must_fit_and_tile_the_file)
{
    static const struct bad_row rows[] = {
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4,
         "tensor \"w\": its data_offsets run"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 4,
         "tensor \"w\": its data would end"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[18446744073709551612,18446744073709551615]}}",
         4, "tensor \"w\": its data would end"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4,
         "ask for 2 values of 32 bits"},
        {"{\"w\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
         "ask for 1 values of 16 bits"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,4]}}", 4,
         "ask for 0 values of 32 bits"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 5,
         "end at byte 4 of the data, the file at 5"},
        {"{}", 1, "end at byte 0 of the data, the file at 1"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8,
         "tensor \"w\": its data begin at byte 4"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
         "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}",
         12, "tensor \"b\": its data begin at byte 8"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
         "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}",
         12, "tensor \"b\": its data begin at byte 4"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
         "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
         4, "its data begin at byte 0, where a file without holes and overlaps has 4"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
         "\"b\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[2,2]}}",
         4, "tensor \"b\": its data begin at byte 2"},
    };

    check_rows_refused(rows, COUNT(rows), LTD_EFORMAT);
}

TEST(what_the_format_has_and_we_have_not_is_unsupported)
{
    static const struct bad_row rows[] = {
        {"{\"w\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]}}", 8,
         "tensor \"w\": its dtype is F64"},
        {"{\"w\":{\"dtype\":\"F8_E4M3\",\"shape\":[3],\"data_offsets\":[0,3]}}", 3,
         "tensor \"w\": its dtype is F8_E4M3"},
        {"{\"w\":{\"dtype\":\"F4\",\"shape\":[2],\"data_offsets\":[0,1]}}", 1,
         "tensor \"w\": its dtype is F4"},
        {"{\"w\":{\"dtype\":\"C64\",\"shape\":[1],\"data_offsets\":[0,8]}}", 8,
         "tensor \"w\": its dtype is C64"},
        {"{\"w\":{\"dtype\":\"F16\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,2]}}", 2,
         "tensor \"w\": it has more than 8 dimensions"},
    };
    static const struct bad_row half_byte[] = {
        {"{\"w\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,1]}}", 1, "ask for 3 values of 4 bits"}};
    struct weight_set *set =
        open_tensors("{\"w\":{\"dtype\":\"F16\",\"shape\":[1,1,1,1,1,1,1,1],\"data_offsets\":[0,2]}}", 2);

    CHECK(set != NULL);
    weight_set_close(set);
    check_rows_refused(rows, COUNT(rows), LTD_EUNSUPPORTED);
    check_rows_refused(half_byte, COUNT(half_byte), LTD_EFORMAT);
}

TEST(name_bombs_are_refused)
{
    char *header = malloc((1 << 20) + 100);

    REQUIRE(header);
    memcpy(header, "{\"", 2);
    memset(header + 2, 'n', 1 << 20);
    strcpy(header + 2 + (1 << 20), "\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}");
    write_tensors(header, 4);
    check_refused(__LINE__, "a name of 1 MiB", LTD_EFORMAT, "longer than 255 bytes");
    free(header);
}

TEST(a_million_tensors_are_refused)
{
    char *header = NULL;
    size_t size;
    FILE *stream = open_memstream(&header, &size);

    REQUIRE(stream);
    for (int i = 0; i < 1000000; i++)
        fprintf(stream, "%c\"%d\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,0]}", i ? ',' : '{', i);
    fputs("}", stream);
    REQUIRE(fclose(stream) == 0);
    write_tensors(header, 0);
    check_refused(__LINE__, "10^6 tensors", LTD_EFORMAT, "more than 2000000 values");
    free(header);
}

TEST(what_is_not_a_safetensors_file_is_refused)
{
    static const uint8_t pickle[] = "\x80\x02}q\0.............", zip[] = "PK\3\4.............";

    write_file(pickle, sizeof pickle);
    check_refused(__LINE__, "a pickle", LTD_EUNSUPPORTED, "convert it to .safetensors");
    write_file(zip, sizeof zip);
    check_refused(__LINE__, "a zip", LTD_EUNSUPPORTED, "convert it to .safetensors");
    write_file("", 0);
    check_refused(__LINE__, "an empty file", LTD_EFORMAT, "shorter than 8 bytes");
}

TEST(what_is_not_a_regular_file_is_refused)
{
    struct weight_set *set = NULL;
    char fifo[64];

    CHECK_INT(weight_set_open_file("/tmp", &set, NULL), LTD_EFORMAT);
    CHECK_INT(weight_set_open_file("/dev/zero", &set, NULL), LTD_EFORMAT);
    CHECK_INT(weight_set_open_file("/tmp/no/such/file.safetensors", &set, NULL), LTD_ENOTFOUND);
    snprintf(fifo, sizeof fifo, "%s.fifo", path);
    REQUIRE(mkfifo(fifo, 0600) == 0);
    CHECK_INT(weight_set_open_file(fifo, &set, NULL), LTD_EFORMAT);
    unlink(fifo);
    CHECK(!set);
}
