#include "weights/gguf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size_math.h"

#define MAGIC             "GGUF"
#define DEFAULT_ALIGNMENT 32
#define MAX_ALIGNMENT     65536
#define MAX_RANK          4
#define MIN_TENSOR_BYTES  24 /* of what the header says of one: empty name, no sizes */
#define MIN_MEMBER_BYTES  13 /* of the metadata: empty key, a byte */

enum type_use { USE_AS_WEIGHT, SKIP_AS_BUFFER, REFUSE };

/* ggml's types of tensors, by their numbers; what is not here is none of them, or was given up. */
static const struct type_row {
    const char *name;
    enum type_use use;
    enum dtype dtype; /* of USE_AS_WEIGHT */
    size_t bytes;     /* of a value, of SKIP_AS_BUFFER */
} type_rows[] = {
    [0] = {"f32", USE_AS_WEIGHT, DTYPE_F32, 0},
    [1] = {"f16", USE_AS_WEIGHT, DTYPE_F16, 0},
    [2] = {"q4_0", USE_AS_WEIGHT, DTYPE_Q4_0, 0},
    [3] = {"q4_1", USE_AS_WEIGHT, DTYPE_Q4_1, 0},
    [6] = {"q5_0", USE_AS_WEIGHT, DTYPE_Q5_0, 0},
    [7] = {"q5_1", USE_AS_WEIGHT, DTYPE_Q5_1, 0},
    [8] = {"q8_0", USE_AS_WEIGHT, DTYPE_Q8_0, 0},
    [9] = {"q8_1", REFUSE, 0, 0},
    [10] = {"q2_K", USE_AS_WEIGHT, DTYPE_Q2_K, 0},
    [11] = {"q3_K", USE_AS_WEIGHT, DTYPE_Q3_K, 0},
    [12] = {"q4_K", USE_AS_WEIGHT, DTYPE_Q4_K, 0},
    [13] = {"q5_K", USE_AS_WEIGHT, DTYPE_Q5_K, 0},
    [14] = {"q6_K", USE_AS_WEIGHT, DTYPE_Q6_K, 0},
    [15] = {"q8_K", REFUSE, 0, 0},
    [16] = {"iq2_xxs", REFUSE, 0, 0},
    [17] = {"iq2_xs", REFUSE, 0, 0},
    [18] = {"iq3_xxs", REFUSE, 0, 0},
    [19] = {"iq1_s", REFUSE, 0, 0},
    [20] = {"iq4_nl", REFUSE, 0, 0},
    [21] = {"iq3_s", REFUSE, 0, 0},
    [22] = {"iq2_s", REFUSE, 0, 0},
    [23] = {"iq4_xs", REFUSE, 0, 0},
    [24] = {"i8", SKIP_AS_BUFFER, 0, 1},
    [25] = {"i16", SKIP_AS_BUFFER, 0, 2},
    [26] = {"i32", SKIP_AS_BUFFER, 0, 4},
    [27] = {"i64", SKIP_AS_BUFFER, 0, 8},
    [28] = {"f64", REFUSE, 0, 0},
    [29] = {"iq1_m", REFUSE, 0, 0},
    [30] = {"bf16", USE_AS_WEIGHT, DTYPE_BF16, 0},
    [34] = {"tq1_0", REFUSE, 0, 0},
    [35] = {"tq2_0", REFUSE, 0, 0},
    [39] = {"mxfp4", REFUSE, 0, 0},
};

/* The types of the metadata, by their numbers. */
enum { MEMBER_U32 = 4, MEMBER_STRING = 8, MEMBER_ARRAY = 9 };
static const size_t member_bytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

struct span {
    size_t begin, end;
    const char *name;
};

struct text {
    const char *bytes; /* in the file */
    size_t size;
};

/* One file while its header is read.  After the first error nothing is read any more. */
struct reader {
    const char *path;
    struct ltd_error *err;
    enum ltd_status status;
    struct weight_file *file;
    size_t at; /* the next byte of the header */
    size_t alignment, data_start, data_size;
    struct span *spans;
    size_t span_count;
    char *next_name;
};

#define FAIL(reader, code, format, ...) \
    ((reader)->status =                 \
         ltd_fail((reader)->err, code, "%s: " format, (reader)->path __VA_OPT__(, ) __VA_ARGS__))
#define FAIL_TENSOR(reader, code, name, format, ...) \
    FAIL(reader, code, "tensor \"%s\": " format, name __VA_OPT__(, ) __VA_ARGS__)

bool gguf_is_one(const char *path)
{
    char begin[4] = "";
    FILE *f = fopen(path, "rb");
    const bool same = f && fread(begin, 1, sizeof begin, f) == sizeof begin && memcmp(begin, MAGIC, 4) == 0;

    if (f)
        fclose(f);
    return same;
}

/* size bytes of the header, which are passed; NULL after an error. */
static const uint8_t *take(struct reader *r, size_t size)
{
    const uint8_t *bytes = r->file->map.data + r->at;

    if (r->status != LTD_OK)
        return NULL;
    if (size > r->file->map.size - r->at) {
        FAIL(r, LTD_EFORMAT, "not a whole GGUF file: it ends within its header");
        return NULL;
    }
    r->at += size;
    return bytes;
}

/* A little-endian number of so many bytes; 0 after an error. */
static uint64_t take_number(struct reader *r, size_t size)
{
    const uint8_t *bytes = take(r, size);
    uint64_t number = 0;

    for (size_t i = 0; bytes && i < size; i++)
        number |= (uint64_t)bytes[i] << (8 * i);
    return number;
}

static struct text take_text(struct reader *r)
{
    const uint64_t size = take_number(r, 8);
    const uint8_t *bytes = take(r, size);

    return (struct text){(const char *)bytes, bytes ? size : 0};
}

static bool is_text(struct text text, const char *wanted)
{
    return text.size == strlen(wanted) && memcmp(text.bytes, wanted, text.size) == 0;
}

static void pass_array(struct reader *r)
{
    const uint64_t type = take_number(r, 4), count = take_number(r, 8);
    size_t bytes;

    if (r->status != LTD_OK)
        return;
    if (type >= sizeof member_bytes / sizeof *member_bytes || type == MEMBER_ARRAY)
        FAIL(r, LTD_EFORMAT, "its metadata hold an array of type %ju, which is no type of items",
             (uintmax_t)type);
    else if (type == MEMBER_STRING)
        for (uint64_t i = 0; i < count && r->status == LTD_OK; i++)
            (void)take_text(r);
    else if (!size_mul(count, member_bytes[type], &bytes))
        FAIL(r, LTD_EFORMAT, "its metadata hold an array that is larger than memory");
    else
        (void)take(r, bytes);
}

static void read_member(struct reader *r)
{
    const struct text key = take_text(r);
    const uint64_t type = take_number(r, 4);

    if (r->status != LTD_OK)
        return;
    if (type == MEMBER_ARRAY) {
        pass_array(r);
    } else if (type == MEMBER_STRING) {
        const struct text value = take_text(r);

        if (r->status == LTD_OK && is_text(key, "modelspec.prediction_type")) {
            free(r->file->prediction);
            r->file->prediction = strndup(value.bytes, value.size);
            if (!r->file->prediction)
                FAIL(r, LTD_ENOMEM, "no memory for the metadata");
        }
    } else if (type >= sizeof member_bytes / sizeof *member_bytes) {
        FAIL(r, LTD_EFORMAT, "its metadata hold a value of type %ju, which is unknown", (uintmax_t)type);
    } else {
        const uint64_t value = take_number(r, member_bytes[type]);

        if (r->status != LTD_OK || !is_text(key, "general.alignment"))
            return;
        if (type != MEMBER_U32 || value == 0 || value > MAX_ALIGNMENT || (value & (value - 1)) != 0)
            FAIL(r, LTD_EFORMAT, "general.alignment must be a power of two up to %d", MAX_ALIGNMENT);
        else
            r->alignment = value;
    }
}

static void read_shape(struct reader *r, struct weight *weight)
{
    const uint64_t rank = take_number(r, 4);

    weight->count = 1;
    if (rank > MAX_RANK) {
        FAIL_TENSOR(r, LTD_EFORMAT, weight->name, "it has more than %d dimensions", MAX_RANK);
        return;
    }
    weight->rank = (int)rank;
    for (size_t i = 0; i < rank; i++) {
        const uint64_t dim = take_number(r, 8);

        weight->dim[rank - 1 - i] = dim;
        if (r->status == LTD_OK && (dim > SIZE_MAX || !size_mul(weight->count, dim, &weight->count)))
            FAIL_TENSOR(r, LTD_EFORMAT, weight->name, "its shape has too many values");
    }
}

/* The bytes of a tensor's data; 0 after an error. */
static size_t size_of(struct reader *r, const struct weight *weight, const struct type_row *row)
{
    const size_t values = row->use == USE_AS_WEIGHT ? dtype_layouts[row->dtype].values : 1;
    const size_t bytes = row->use == USE_AS_WEIGHT ? dtype_layouts[row->dtype].bytes : row->bytes;
    size_t size = 0;

    if (values > 1 && (weight->rank == 0 || weight->dim[weight->rank - 1] % values != 0))
        FAIL_TENSOR(r, LTD_EFORMAT, weight->name, "its rows are not made of whole blocks of %zu values of %s",
                    values, row->name);
    else if (!size_mul(weight->count / values, bytes, &size))
        FAIL_TENSOR(r, LTD_EFORMAT, weight->name, "its shape has too many values");
    return size;
}

static void read_tensor(struct reader *r)
{
    const struct text name = take_text(r);
    struct weight weight = {.name = r->next_name};
    const struct type_row *row = NULL;
    uint64_t type, offset;
    size_t size;

    if (r->status == LTD_OK)
        r->status = weight_file_check_name(r->path, name.bytes, name.size, r->err);
    if (r->status != LTD_OK)
        return;
    memcpy(r->next_name, name.bytes, name.size);
    r->next_name += name.size + 1;
    read_shape(r, &weight);
    type = take_number(r, 4);
    offset = take_number(r, 8);
    if (r->status != LTD_OK)
        return;
    if (type < sizeof type_rows / sizeof *type_rows)
        row = &type_rows[type];
    if (!row || !row->name || row->use == REFUSE) {
        FAIL_TENSOR(r, LTD_EUNSUPPORTED, weight.name,
                    "its numbers are of type %ju (%s); f32, f16, bf16, q4_0, q4_1, q5_0, q5_1, q8_0 and q2_K "
                    "to q6_K are supported",
                    (uintmax_t)type, row && row->name ? row->name : "unknown");
        return;
    }
    size = size_of(r, &weight, row);
    if (r->status == LTD_OK && (offset > SIZE_MAX - size || offset % r->alignment != 0))
        FAIL_TENSOR(r, LTD_EFORMAT, weight.name, "its data begin at byte %ju, which is no multiple of %zu",
                    (uintmax_t)offset, r->alignment);
    if (r->status != LTD_OK)
        return;
    r->spans[r->span_count++] = (struct span){offset, offset + size, weight.name};
    weight.dtype = row->dtype;
    weight.data = (const void *)(uintptr_t)offset; /* until it is known where the data begin */
    if (row->use == USE_AS_WEIGHT)
        r->file->weights[r->file->count++] = weight;
    else
        r->file->buffer = weight.name;
}

static int compare_spans(const void *a, const void *b)
{
    const struct span *x = a, *y = b;

    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

static size_t aligned(const struct reader *r, size_t size)
{
    const size_t beyond = size % r->alignment;

    return beyond == 0 ? size : size + (r->alignment - beyond);
}

static void check_tiling(struct reader *r)
{
    size_t end = 0;

    qsort(r->spans, r->span_count, sizeof *r->spans, compare_spans);
    for (size_t i = 0; i < r->span_count; i++) {
        const struct span *span = &r->spans[i];

        if (span->end > r->data_size) {
            FAIL_TENSOR(r, LTD_EFORMAT, span->name,
                        "its data would end at byte %zu, but the file holds %zu bytes of data", span->end,
                        r->data_size);
            return;
        }
        if (span->begin != aligned(r, end)) {
            FAIL_TENSOR(r, LTD_EFORMAT, span->name,
                        "its data begin at byte %zu, where a file without holes and overlaps has %zu",
                        span->begin, aligned(r, end));
            return;
        }
        end = span->end;
    }
    if (r->data_size > aligned(r, end))
        FAIL(r, LTD_EFORMAT, "the tensors end at byte %zu of the data, the file at %zu", end, r->data_size);
}

/* The bytes of so many tensors' names with their terminators; the header is not passed. */
static size_t measure_names(struct reader *r, uint64_t tensors)
{
    const size_t start = r->at;
    size_t bytes = 0;

    for (uint64_t i = 0; i < tensors && r->status == LTD_OK; i++) {
        uint64_t rank;

        bytes += take_text(r).size + 1;
        rank = take_number(r, 4);
        (void)take(r, 8 * (rank > MAX_RANK ? 0 : rank) + 12);
        if (rank > MAX_RANK) /* read_shape says so; what follows cannot be told */
            break;
    }
    r->at = start;
    return bytes;
}

static void allocate_index(struct reader *r, uint64_t tensors)
{
    size_t name_bytes;

    if (tensors > (r->file->map.size - r->at) / MIN_TENSOR_BYTES) {
        FAIL(r, LTD_EFORMAT,
             "not a whole GGUF file: its header tells of %ju tensors, but is too short for them",
             (uintmax_t)tensors);
        return;
    }
    name_bytes = measure_names(r, tensors);
    if (r->status != LTD_OK)
        return;
    r->file->weights = calloc(tensors + 1, sizeof *r->file->weights);
    r->spans = calloc(tensors + 1, sizeof *r->spans);
    r->file->names = calloc(name_bytes + 1, 1);
    r->next_name = r->file->names;
    if (!r->file->weights || !r->spans || !r->file->names)
        FAIL(r, LTD_ENOMEM, "no memory for the index");
}

static void read_header(struct reader *r)
{
    const uint8_t *magic = take(r, 4);
    const uint64_t version = take_number(r, 4);
    uint64_t tensors, members;

    if (!magic || memcmp(magic, MAGIC, 4) != 0) {
        FAIL(r, LTD_EFORMAT, "not a GGUF file");
        return;
    }
    if (r->status == LTD_OK && version != 2 && version != 3)
        FAIL(r, LTD_EUNSUPPORTED, "GGUF of version %ju is not read (known: 2 and 3, little-endian)",
             (uintmax_t)version);
    tensors = take_number(r, 8);
    members = take_number(r, 8);
    if (r->status == LTD_OK && members > (r->file->map.size - r->at) / MIN_MEMBER_BYTES)
        FAIL(r, LTD_EFORMAT,
             "not a whole GGUF file: its header tells of %ju metadata, but is too short for them",
             (uintmax_t)members);
    for (uint64_t i = 0; i < members && r->status == LTD_OK; i++)
        read_member(r);
    if (r->status == LTD_OK)
        allocate_index(r, tensors);
    for (uint64_t i = 0; i < tensors && r->status == LTD_OK; i++)
        read_tensor(r);
}

static void read_index(struct reader *r)
{
    const size_t size = r->file->map.size;

    read_header(r);
    if (r->status != LTD_OK)
        return;
    r->data_start = aligned(r, r->at) < size ? aligned(r, r->at) : size;
    r->data_size = size - r->data_start;
    check_tiling(r);
    for (size_t i = 0; i < r->file->count && r->status == LTD_OK; i++)
        r->file->weights[i].data = r->file->map.data + r->data_start + (uintptr_t)r->file->weights[i].data;
}

enum ltd_status gguf_open(struct weight_file *file, const char *path, struct ltd_error *err)
{
    struct weight_file opened = {0};
    struct reader r = {.path = path, .err = err, .file = &opened, .alignment = DEFAULT_ALIGNMENT};

    r.status = mapped_file_open(&opened.map, path, err);
    if (r.status == LTD_OK)
        read_index(&r);
    free(r.spans);
    if (r.status == LTD_OK)
        *file = opened;
    else
        weight_file_close(&opened);
    return r.status;
}
