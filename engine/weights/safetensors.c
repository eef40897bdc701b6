#include "weights/safetensors.h"

#include <latentd/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/size_math.h"

#define MAX_HEADER_BYTES 100000000u /* as in the reference reader */

enum dtype_use { USE_AS_WEIGHT, SKIP_AS_BUFFER, REFUSE };

struct dtype_row {
    const char *name;
    size_t bits;
    enum dtype_use use;
    enum dtype dtype; /* of USE_AS_WEIGHT */
};

/* Every dtype of the format. */
static const struct dtype_row dtype_rows[] = {
    {"F32", 32, USE_AS_WEIGHT, DTYPE_F32},
    {"F16", 16, USE_AS_WEIGHT, DTYPE_F16},
    {"BF16", 16, USE_AS_WEIGHT, DTYPE_BF16},
    {"BOOL", 8, SKIP_AS_BUFFER, 0},
    {"U8", 8, SKIP_AS_BUFFER, 0},
    {"I8", 8, SKIP_AS_BUFFER, 0},
    {"U16", 16, SKIP_AS_BUFFER, 0},
    {"I16", 16, SKIP_AS_BUFFER, 0},
    {"U32", 32, SKIP_AS_BUFFER, 0},
    {"I32", 32, SKIP_AS_BUFFER, 0},
    {"U64", 64, SKIP_AS_BUFFER, 0},
    {"I64", 64, SKIP_AS_BUFFER, 0},
    {"F64", 64, REFUSE, 0},
    {"C64", 64, REFUSE, 0},
    {"F8_E4M3", 8, REFUSE, 0},
    {"F8_E5M2", 8, REFUSE, 0},
    {"F8_E8M0", 8, REFUSE, 0},
    {"F8_E4M3FNUZ", 8, REFUSE, 0},
    {"F8_E5M2FNUZ", 8, REFUSE, 0},
    {"F6_E2M3", 6, REFUSE, 0},
    {"F6_E3M2", 6, REFUSE, 0},
    {"F4", 4, REFUSE, 0},
};

/* Where one tensor lies in the data. */
struct span {
    size_t begin, end;
    const char *name;
};

/* One file while its header is read. */
struct reader {
    const char *path;
    struct ltd_error *err;
    struct weight_file *file;
    const uint8_t *data;
    size_t data_size;
    struct ltd_json *header;
    struct span *spans; /* of every tensor, also of those that are skipped */
    size_t span_count;
    char *next_name; /* in file->names */
};

#define FAIL(reader, status, format, ...) \
    ltd_fail((reader)->err, status, "%s: " format, (reader)->path __VA_OPT__(, ) __VA_ARGS__)
#define FAIL_TENSOR(reader, status, name, format, ...) \
    FAIL(reader, status, "tensor \"%s\": " format, name __VA_OPT__(, ) __VA_ARGS__)

/* Pickles, bare or zipped, as torch.save writes them. */
static bool is_pickle(const struct mapped_file *map)
{
    if (map->size < 4)
        return false;
    return memcmp(map->data, "PK\3\4", 4) == 0 ||
           (map->data[0] == 0x80 && map->data[1] >= 2 && map->data[1] <= 5);
}

static enum ltd_status fail_header(const struct reader *reader, const char *what)
{
    /* Asked last: a sound file may begin with any byte. */
    if (is_pickle(&reader->file->map))
        return FAIL(reader, LTD_EUNSUPPORTED,
                    "a PyTorch pickle, which could run code and is not read; convert it to .safetensors");
    return FAIL(reader, LTD_EFORMAT, "not a safetensors file: %s", what);
}

/* Finds and parses the header; what follows it is the data. */
static enum ltd_status read_header(struct reader *reader)
{
    const struct mapped_file *map = &reader->file->map;
    struct ltd_error why;
    enum ltd_status status;
    uint64_t length = 0;

    if (map->size < 8)
        return fail_header(reader, "it is shorter than 8 bytes");
    for (size_t i = 0; i < 8; i++)
        length |= (uint64_t)map->data[i] << (8 * i);
    if (length > map->size - 8)
        return fail_header(reader, "its header would end after the file");
    if (length > MAX_HEADER_BYTES)
        return fail_header(reader, "its header is longer than 100000000 bytes");
    if (length == 0 || map->data[8] != '{')
        return fail_header(reader, "its header does not begin with '{'");
    status =
        ltd_json_parse((const char *)map->data + 8, length, &ltd_json_file_limits, &reader->header, &why);
    if (status != LTD_OK)
        return FAIL(reader, status == LTD_ENOMEM ? LTD_ENOMEM : LTD_EFORMAT, "in the header: %s",
                    why.message);
    reader->data = map->data + 8 + length;
    reader->data_size = map->size - 8 - length;
    return LTD_OK;
}

/* *text stays NULL where there is none; false without memory. */
static bool keep_text(const struct ltd_json *metadata, const char *name, char **text)
{
    const char *found = ltd_json_string(ltd_json_get(metadata, name));

    if (found)
        *text = strdup(found);
    return !found || *text;
}

static enum ltd_status read_metadata(const struct reader *reader, const struct ltd_json *metadata)
{
    if (ltd_json_type(metadata) != LTD_JSON_OBJECT)
        return FAIL(reader, LTD_EFORMAT, "__metadata__ must be an object");
    for (const struct ltd_json *m = ltd_json_first(metadata); m; m = ltd_json_next(m))
        if (ltd_json_type(m) != LTD_JSON_STRING)
            return FAIL(reader, LTD_EFORMAT, "__metadata__ must hold strings, but one of its values is %s",
                        ltd_json_type_name(ltd_json_type(m)));
    if (!keep_text(metadata, "modelspec.prediction_type", &reader->file->prediction) ||
        !keep_text(metadata, "lora_adapter_metadata", &reader->file->adapter))
        return FAIL(reader, LTD_ENOMEM, "no memory for the metadata");
    return LTD_OK;
}

static enum ltd_status read_dtype(const struct reader *reader, const char *name, const struct ltd_json *value,
                                  const struct dtype_row **out)
{
    const char *text = ltd_json_string(value);

    if (!text)
        return FAIL_TENSOR(reader, LTD_EFORMAT, name, "its dtype must be a string");
    for (size_t i = 0; i < sizeof dtype_rows / sizeof dtype_rows[0]; i++)
        if (strcmp(text, dtype_rows[i].name) == 0) {
            *out = &dtype_rows[i];
            return LTD_OK;
        }
    return FAIL_TENSOR(reader, LTD_EFORMAT, name, "its dtype is not one of the format's");
}

static enum ltd_status read_shape(const struct reader *reader, const struct ltd_json *value,
                                  struct weight *weight)
{
    if (ltd_json_type(value) != LTD_JSON_ARRAY)
        return FAIL_TENSOR(reader, LTD_EFORMAT, weight->name, "its shape must be an array");
    weight->count = 1;
    for (const struct ltd_json *d = ltd_json_first(value); d; d = ltd_json_next(d)) {
        uint64_t dim;

        if (weight->rank == WEIGHT_MAX_RANK)
            return FAIL_TENSOR(reader, LTD_EUNSUPPORTED, weight->name, "it has more than %d dimensions",
                               WEIGHT_MAX_RANK);
        if (!ltd_json_uint64(d, &dim) || dim > SIZE_MAX)
            return FAIL_TENSOR(reader, LTD_EFORMAT, weight->name,
                               "a dimension must be a whole number, 0 or more");
        if (!size_mul(weight->count, dim, &weight->count))
            return FAIL_TENSOR(reader, LTD_EFORMAT, weight->name, "its shape has too many values");
        weight->dim[weight->rank++] = dim;
    }
    return LTD_OK;
}

static enum ltd_status read_span(const struct reader *reader, const struct ltd_json *value, struct span *span)
{
    const struct ltd_json *first = ltd_json_first(value);
    uint64_t begin, end;

    if (ltd_json_type(value) != LTD_JSON_ARRAY || ltd_json_size(value) != 2 ||
        !ltd_json_uint64(first, &begin) || !ltd_json_uint64(ltd_json_next(first), &end))
        return FAIL_TENSOR(reader, LTD_EFORMAT, span->name, "its data_offsets must be two whole numbers");
    if (begin > end)
        return FAIL_TENSOR(reader, LTD_EFORMAT, span->name, "its data_offsets run backwards");
    if (end > reader->data_size)
        return FAIL_TENSOR(reader, LTD_EFORMAT, span->name,
                           "its data would end at byte %ju, but the file holds %zu bytes of data",
                           (uintmax_t)end, reader->data_size);
    span->begin = begin;
    span->end = end;
    return LTD_OK;
}

/* Reads one tensor of the header into the file's weights and the reader's spans. */
static enum ltd_status read_tensor(struct reader *reader, const struct ltd_json *member)
{
    const struct dtype_row *row = NULL;
    struct weight weight = {.name = reader->next_name};
    struct span span = {.name = reader->next_name};
    enum ltd_status status =
        weight_file_check_name(reader->path, ltd_json_key(member), strlen(ltd_json_key(member)), reader->err);
    size_t bits;

    if (status != LTD_OK)
        return status;
    reader->next_name = stpcpy(reader->next_name, ltd_json_key(member)) + 1;
    if (ltd_json_type(member) != LTD_JSON_OBJECT)
        return FAIL_TENSOR(reader, LTD_EFORMAT, weight.name, "its header entry must be an object");
    if ((status = read_dtype(reader, weight.name, ltd_json_get(member, "dtype"), &row)) != LTD_OK ||
        (status = read_shape(reader, ltd_json_get(member, "shape"), &weight)) != LTD_OK ||
        (status = read_span(reader, ltd_json_get(member, "data_offsets"), &span)) != LTD_OK)
        return status;
    if (!size_mul(weight.count, row->bits, &bits) || bits % 8 != 0 || span.end - span.begin != bits / 8)
        return FAIL_TENSOR(reader, LTD_EFORMAT, weight.name,
                           "it has %zu bytes of data, but its shape and dtype ask for %zu values of %zu bits",
                           span.end - span.begin, weight.count, row->bits);
    if (row->use == REFUSE)
        return FAIL_TENSOR(reader, LTD_EUNSUPPORTED, weight.name,
                           "its dtype is %s; F32, F16 and BF16 are supported", row->name);
    reader->spans[reader->span_count++] = span;
    if (row->use == USE_AS_WEIGHT) {
        weight.data = reader->data + span.begin;
        weight.dtype = row->dtype;
        reader->file->weights[reader->file->count++] = weight;
    } else {
        reader->file->buffer = weight.name;
    }
    return LTD_OK;
}

/* Room for every tensor of the header: its members and their keys are an upper bound. */
static enum ltd_status allocate_index(struct reader *reader)
{
    struct weight_file *file = reader->file;
    size_t members = 1, name_bytes = 1; /* not 0: calloc(0) may return NULL */

    for (const struct ltd_json *m = ltd_json_first(reader->header); m; m = ltd_json_next(m)) {
        members++;
        name_bytes += strlen(ltd_json_key(m)) + 1; /* at most the header's bytes */
    }
    file->names = calloc(name_bytes, 1);
    file->weights = calloc(members, sizeof *file->weights);
    reader->spans = calloc(members, sizeof *reader->spans);
    reader->next_name = file->names;
    if (!file->names || !file->weights || !reader->spans)
        return FAIL(reader, LTD_ENOMEM, "no memory for the index");
    return LTD_OK;
}

static int compare_spans(const void *a, const void *b)
{
    const struct span *x = a, *y = b;

    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

/* Two tensors on the same bytes would let a small file ask for much memory; a hole could hide another file.
 */
static enum ltd_status check_tiling(const struct reader *reader)
{
    size_t expected = 0;

    qsort(reader->spans, reader->span_count, sizeof *reader->spans, compare_spans);
    for (size_t i = 0; i < reader->span_count; i++) {
        const struct span *span = &reader->spans[i];

        if (span->begin != expected)
            return FAIL_TENSOR(reader, LTD_EFORMAT, span->name,
                               "its data begin at byte %zu, where a file without holes and overlaps has %zu",
                               span->begin, expected);
        expected = span->end;
    }
    if (expected != reader->data_size)
        return FAIL(reader, LTD_EFORMAT, "the tensors end at byte %zu of the data, the file at %zu", expected,
                    reader->data_size);
    return LTD_OK;
}

static enum ltd_status read_index(struct reader *reader)
{
    enum ltd_status status = read_header(reader);

    if (status == LTD_OK)
        status = allocate_index(reader);
    for (const struct ltd_json *m = ltd_json_first(reader->header); m && status == LTD_OK;
         m = ltd_json_next(m))
        status =
            strcmp(ltd_json_key(m), "__metadata__") == 0 ? read_metadata(reader, m) : read_tensor(reader, m);
    if (status == LTD_OK)
        status = check_tiling(reader);
    return status;
}

enum ltd_status safetensors_open(struct weight_file *file, const char *path, struct ltd_error *err)
{
    struct weight_file opened = {0};
    struct reader reader = {.path = path, .err = err, .file = &opened};
    enum ltd_status status = mapped_file_open(&opened.map, path, err);

    if (status == LTD_OK)
        status = read_index(&reader);
    ltd_json_free(reader.header);
    free(reader.spans);
    if (status == LTD_OK)
        *file = opened;
    else
        weight_file_close(&opened);
    return status;
}
