#include "weights/weight_set.h"

#include <latentd/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/config_reader.h"
#include "base/mapped_file.h"
#include "weights/gguf.h"
#include "weights/safetensors.h"
#include "weights/weight_path.h"

#define MAX_INDEX_BYTES 100000000u /* of an index.json */
#define MAX_SHARDS      1024u

struct weight_set {
    struct weight_file *files;
    size_t file_count;
    size_t file_bytes;      /* of all files; the files may be closed */
    struct weight *weights; /* of all files, sorted by name */
    size_t count;
    struct weight_alias *aliases; /* of a view: its names */
    struct weight_set *joined[2]; /* which the weights are from; else NULL */
};

static int compare_weights(const void *a, const void *b)
{
    const struct weight *x = a, *y = b;

    return strcmp(x->name, y->name);
}

/* The path of the file that weight lies in: each weight, even an empty one, lies after its file's header. */
static const char *path_of(const struct weight_set *set, char *const *paths, const struct weight *weight)
{
    const uintptr_t at = (uintptr_t)weight->data;
    size_t i = 0;

    while (i + 1 < set->file_count && (at <= (uintptr_t)set->files[i].map.data ||
                                       at > (uintptr_t)set->files[i].map.data + set->files[i].map.size))
        i++;
    return paths[i];
}

/* Merges the files' weights into the sorted index; paths[i] is files[i]'s. */
static enum ltd_status merge(struct weight_set *set, char *const *paths, struct ltd_error *err)
{
    size_t total = 0;

    for (size_t i = 0; i < set->file_count; i++)
        total += set->files[i].count;
    set->weights = calloc(total + 1, sizeof *set->weights);
    if (!set->weights)
        return ltd_fail(err, LTD_ENOMEM, "%s: no memory for the index", paths[0]);
    for (size_t i = 0; i < set->file_count; i++) {
        struct weight_file *file = &set->files[i];

        set->file_bytes += file->map.size;
        memcpy(set->weights + set->count, file->weights, file->count * sizeof *set->weights);
        set->count += file->count;
        free(file->weights);
        file->weights = NULL;
    }
    qsort(set->weights, set->count, sizeof *set->weights, compare_weights);
    for (size_t i = 1; i < set->count; i++)
        if (strcmp(set->weights[i - 1].name, set->weights[i].name) == 0)
            return ltd_fail(err, LTD_EFORMAT, "%s: tensor \"%s\": it is in %s too",
                            path_of(set, paths, &set->weights[i]), set->weights[i].name,
                            path_of(set, paths, &set->weights[i - 1]));
    return LTD_OK;
}

typedef enum ltd_status open_fn(struct weight_file *file, const char *path, struct ltd_error *err);

static enum ltd_status open_files(open_fn *open_one, char *const *paths, size_t count,
                                  struct weight_set **out, struct ltd_error *err)
{
    enum ltd_status status = LTD_OK;
    struct weight_set *set = calloc(1, sizeof *set);

    if (set)
        set->files = calloc(count, sizeof *set->files);
    if (!set || !set->files)
        status = ltd_fail(err, LTD_ENOMEM, "%s: no memory for the index", paths[0]);
    for (size_t i = 0; i < count && status == LTD_OK; i++) {
        status = open_one(&set->files[i], paths[i], err);
        if (status == LTD_OK)
            set->file_count++;
    }
    if (status == LTD_OK)
        status = merge(set, paths, err);
    if (status == LTD_OK)
        *out = set;
    else
        weight_set_close(set);
    return status;
}

enum ltd_status weight_set_open_file(const char *path, struct weight_set **out, struct ltd_error *err)
{
    char *const paths[] = {(char *)(uintptr_t)path};

    return open_files(safetensors_open, paths, 1, out, err);
}

enum ltd_status weight_set_open_model(const char *path, struct weight_set **out, struct ltd_error *err)
{
    char *const paths[] = {(char *)(uintptr_t)path};

    return open_files(gguf_is_one(path) ? gguf_open : safetensors_open, paths, 1, out, err);
}

enum ltd_status weight_set_open_unnamed(const char *path, struct weight_set **out, struct ltd_error *err)
{
    const size_t length = strlen(path);
    const enum ltd_status status = weight_set_open_file(path, out, err);

    if (status != LTD_OK && err && strncmp(err->message, path, length) == 0 &&
        strncmp(err->message + length, ": ", 2) == 0)
        memmove(err->message, err->message + length + 2, strlen(err->message + length + 2) + 1);
    return status;
}

static void free_names(char **names, size_t count)
{
    for (size_t i = 0; names && i < count; i++)
        free(names[i]);
    free(names);
}

/* Nothing but a file beside the index: it may not lead out of its folder. */
static bool is_shard_name(const char *name)
{
    const char *suffix = ".safetensors";
    const size_t length = strlen(name);

    return length > strlen(suffix) && length <= 255 && strcmp(name + length - strlen(suffix), suffix) == 0 &&
           !strchr(name, '/') && !strstr(name, "..");
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The different file names in an index's weight_map, which has at least one member, as paths in dir. */
static enum ltd_status list_shards(const char *dir, const char *index_path, const struct ltd_json *map,
                                   char ***out, size_t *out_count, struct ltd_error *err)
{
    const size_t entries = ltd_json_size(map);
    const char **names = calloc(entries, sizeof *names);
    char **paths = calloc(MAX_SHARDS, sizeof *paths);
    enum ltd_status status = LTD_OK;
    size_t count = 0, used = 0;

    if (!names || !paths)
        status = ltd_fail(err, LTD_ENOMEM, "%s: no memory for the list of shards", index_path);
    for (const struct ltd_json *m = ltd_json_first(map); m && status == LTD_OK; m = ltd_json_next(m)) {
        names[used] = ltd_json_string(m);
        if (!names[used] || !is_shard_name(names[used]))
            status =
                ltd_fail(err, LTD_EFORMAT,
                         "%s: a shard must be the name of a .safetensors file beside the index", index_path);
        used++;
    }
    if (status == LTD_OK)
        qsort(names, used, sizeof *names, compare_names);
    for (size_t i = 0; i < used && status == LTD_OK; i++) {
        if (i > 0 && strcmp(names[i], names[i - 1]) == 0)
            continue;
        if (count == MAX_SHARDS)
            status = ltd_fail(err, LTD_EFORMAT, "%s: more than %u shards", index_path, MAX_SHARDS);
        else if (asprintf(&paths[count], "%s/%s", dir, names[i]) < 0)
            status = ltd_fail(err, LTD_ENOMEM, "%s: no memory for the list of shards", index_path);
        else if (access(paths[count++], F_OK) != 0)
            status = ltd_fail(err, LTD_EFORMAT, "%s: it lists %s, which is not there", index_path, names[i]);
    }
    free(names);
    if (status == LTD_OK) {
        *out = paths;
        *out_count = count;
    } else {
        free_names(paths, count);
    }
    return status;
}

static enum ltd_status open_shards(const char *dir, const char *index_path, struct weight_set **out,
                                   struct ltd_error *err)
{
    struct ltd_json *index = NULL;
    const struct ltd_json *map;
    char **paths = NULL;
    size_t count = 0;
    enum ltd_status status = config_read_file(index_path, MAX_INDEX_BYTES, &index, err);

    if (status != LTD_OK)
        return status;
    map = ltd_json_get(index, "weight_map");
    if (ltd_json_type(map) != LTD_JSON_OBJECT || ltd_json_size(map) == 0)
        status = ltd_fail(err, LTD_EFORMAT, "%s: weight_map must be an object with a member for each tensor",
                          index_path);
    else
        status = list_shards(dir, index_path, map, &paths, &count, err);
    if (status == LTD_OK)
        status = open_files(safetensors_open, paths, count, out, err);
    free_names(paths, count);
    ltd_json_free(index);
    return status;
}

enum ltd_status weight_set_open(const char *dir, const char *stem, struct weight_set **out,
                                struct ltd_error *err)
{
    bool is_index = false;
    char *path = NULL;
    enum ltd_status status = weight_path_find(dir, stem, &path, &is_index, err);

    if (status == LTD_OK)
        status = is_index ? open_shards(dir, path, out, err) : weight_set_open_file(path, out, err);
    free(path);
    return status;
}

/* The piece of whole that alias says. */
static enum ltd_status cut_piece(struct weight *out, const struct weight *whole,
                                 const struct weight_alias *alias, const char *path, struct ltd_error *err)
{
    *out = *whole;
    out->name = alias->name;
    if (alias->pieces == 1)
        return LTD_OK;
    if (whole->rank == 0 || whole->dim[0] % alias->pieces != 0 ||
        whole->count / alias->pieces % dtype_layouts[whole->dtype].values != 0)
        return ltd_fail(err, LTD_EFORMAT, "%s: tensor \"%s\" cannot be cut into %zu pieces of equal height",
                        path, whole->name, alias->pieces);
    out->dim[0] /= alias->pieces;
    out->count /= alias->pieces;
    out->data = (const char *)whole->data + alias->piece * dtype_bytes(whole->dtype, out->count);
    return LTD_OK;
}

/* Fills the view's weights where it has room for them; always counts them. */
static enum ltd_status fill_view(struct weight_set *set, const struct weight_set *whole, const char *path,
                                 weight_name_fn *rename, const void *arg, struct ltd_error *err)
{
    struct weight_alias spare = {.pieces = 1};
    enum ltd_status status = LTD_OK;

    set->count = 0;
    for (size_t w = 0; w < whole->count && status == LTD_OK; w++) {
        for (size_t i = 0; status == LTD_OK; i++) {
            struct weight_alias *alias = set->aliases ? &set->aliases[set->count] : &spare;

            *alias = (struct weight_alias){.pieces = 1};
            if (!rename(arg, whole->weights[w].name, i, alias))
                break;
            if (set->aliases)
                status = cut_piece(&set->weights[set->count], &whole->weights[w], alias, path, err);
            set->count++;
        }
    }
    return status;
}

static enum ltd_status sort_names(struct weight_set *set, const char *path, struct ltd_error *err)
{
    qsort(set->weights, set->count, sizeof *set->weights, compare_weights);
    for (size_t i = 1; i < set->count; i++)
        if (strcmp(set->weights[i - 1].name, set->weights[i].name) == 0)
            return ltd_fail(err, LTD_EFORMAT, "%s: two tensors stand for \"%s\"", path, set->weights[i].name);
    return LTD_OK;
}

enum ltd_status weight_set_view(const struct weight_set *whole, const char *path, weight_name_fn *rename,
                                const void *arg, struct weight_set **out, struct ltd_error *err)
{
    struct weight_set *set = calloc(1, sizeof *set);
    enum ltd_status status = LTD_OK;

    if (set) {
        status = fill_view(set, whole, path, rename, arg, err);
        set->weights = calloc(set->count + 1, sizeof *set->weights);
        set->aliases = calloc(set->count + 1, sizeof *set->aliases); /* one more is tried */
    }
    if (!set || !set->weights || !set->aliases) {
        weight_set_close(set);
        return ltd_fail(err, LTD_ENOMEM, "%s: no memory for the index", path);
    }
    if (status == LTD_OK)
        status = fill_view(set, whole, path, rename, arg, err);
    if (status == LTD_OK)
        status = sort_names(set, path, err);
    if (status == LTD_OK)
        *out = set;
    else
        weight_set_close(set);
    return status;
}

enum ltd_status weight_set_join(struct weight_set *a, struct weight_set *b, const char *path,
                                struct weight_set **out, struct ltd_error *err)
{
    struct weight_set *set = calloc(1, sizeof *set);
    enum ltd_status status;

    if (set)
        set->weights = calloc(a->count + b->count + 1, sizeof *set->weights);
    if (!set || !set->weights) {
        free(set);
        weight_set_close(a);
        weight_set_close(b);
        return ltd_fail(err, LTD_ENOMEM, "%s: no memory for the index", path);
    }
    set->joined[0] = a;
    set->joined[1] = b;
    set->count = a->count + b->count;
    memcpy(set->weights, a->weights, a->count * sizeof *set->weights);
    memcpy(set->weights + a->count, b->weights, b->count * sizeof *set->weights);
    status = sort_names(set, path, err);
    if (status == LTD_OK)
        *out = set;
    else
        weight_set_close(set);
    return status;
}

void weight_set_close(struct weight_set *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->file_count; i++)
        weight_file_close(&set->files[i]);
    for (int i = 0; i < 2; i++)
        weight_set_close(set->joined[i]);
    free(set->files);
    free(set->weights);
    free(set->aliases);
    free(set);
}

void weight_set_close_files(struct weight_set *set)
{
    for (size_t i = 0; i < set->file_count; i++)
        mapped_file_close(&set->files[i].map);
}

size_t weight_set_count(const struct weight_set *set)
{
    return set->count;
}

const struct weight *weight_set_at(const struct weight_set *set, size_t i)
{
    return &set->weights[i];
}

const struct weight *weight_set_find(const struct weight_set *set, const char *name)
{
    const struct weight key = {.name = name};

    return bsearch(&key, set->weights, set->count, sizeof key, compare_weights);
}

size_t weight_set_size(const struct weight_set *set, const char *path, const char *name, int rank, int dim,
                       enum ltd_status *status, struct ltd_error *err)
{
    const struct weight *w = *status == LTD_OK ? weight_set_find(set, name) : NULL;

    if (*status != LTD_OK)
        return 0;
    if (!w)
        *status = ltd_fail(err, LTD_EFORMAT, "%s: tensor \"%s\" is missing", path, name);
    else if (w->rank != rank)
        *status = ltd_fail(err, LTD_EFORMAT, "%s: tensor \"%s\": it has %d dimensions, not %d", path, name,
                           w->rank, rank);
    return *status == LTD_OK ? w->dim[dim] : 0;
}

size_t weight_set_file_bytes(const struct weight_set *set)
{
    size_t bytes = set->file_bytes;

    for (size_t i = 0; set->file_count == 0 && i < set->count; i++)
        bytes += dtype_bytes(set->weights[i].dtype, set->weights[i].count);
    return bytes;
}

void weight_set_give_back(const struct weight_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        mapped_file_give_back(set->weights[i].data,
                              dtype_bytes(set->weights[i].dtype, set->weights[i].count));
}

const char *weight_set_buffer(const struct weight_set *set)
{
    return set->file_count > 0 ? set->files[0].buffer : NULL;
}

const char *weight_set_prediction(const struct weight_set *set)
{
    return set->file_count > 0 ? set->files[0].prediction : NULL;
}

const char *weight_set_adapter(const struct weight_set *set)
{
    return set->file_count > 0 ? set->files[0].adapter : NULL;
}

/* A value is infinite or no number when all bits of its exponent are set.  The loops have no early way out,
 * so that they are vectorised. */
static bool has_exponent_16(const void *data, size_t count, uint16_t exponent)
{
    const uint8_t *bytes = data;
    uint16_t found = 0;

    for (size_t i = 0; i < count; i++) {
        uint16_t bits;

        memcpy(&bits, bytes + 2 * i, sizeof bits);
        found |= (bits & exponent) == exponent;
    }
    return found != 0;
}

static bool has_exponent_32(const void *data, size_t count, uint32_t exponent)
{
    const uint8_t *bytes = data;
    uint32_t found = 0;

    for (size_t i = 0; i < count; i++) {
        uint32_t bits;

        memcpy(&bits, bytes + 4 * i, sizeof bits);
        found |= (bits & exponent) == exponent;
    }
    return found != 0;
}

/* Of blocks, the scales are asked: the rest are integers. */
static bool has_infinite_scale(const struct weight *weight)
{
    const struct dtype_layout *l = &dtype_layouts[weight->dtype];
    const uint8_t *scales = (const uint8_t *)weight->data + l->scales_at;
    bool found = false;

    for (size_t i = 0; i < weight->count / l->values; i++)
        found |= has_exponent_16(scales + i * l->bytes, l->scales, 0x7C00);
    return found;
}

bool weight_is_finite(const struct weight *weight)
{
    if (dtype_is_quantized(weight->dtype))
        return !has_infinite_scale(weight);
    if (weight->dtype == DTYPE_F16)
        return !has_exponent_16(weight->data, weight->count, 0x7C00);
    if (weight->dtype == DTYPE_BF16)
        return !has_exponent_16(weight->data, weight->count, 0x7F80);
    return !has_exponent_32(weight->data, weight->count, 0x7F800000);
}
