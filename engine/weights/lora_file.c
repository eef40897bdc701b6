#include "weights/lora_file.h"

#include <stdlib.h>
#include <string.h>

#include "weights/lora_alphas.h"

struct lora_file {
    struct weight_set *set;
    struct lora_module *modules; /* sorted by name */
    size_t count;
    char *names;
};

struct ending {
    const char *text;
    enum lora_part part;
};

/* What follows a layer's name.  None is the end of another but for a longer one that stands before it. */
static const struct ending endings[] = {
    {".lora_down.weight", LORA_DOWN}, /* kohya, LyCORIS */
    {".lora_up.weight", LORA_UP},
    {".lora_mid.weight", LORA_CORE},
    {".alpha", LORA_ALPHA},
    {".lora_A.weight", LORA_DOWN}, /* PEFT, diffusers */
    {".lora_B.weight", LORA_UP},
    {".lora_A.default.weight", LORA_DOWN},
    {".lora_B.default.weight", LORA_UP},
    {".lora_magnitude_vector", LORA_MAGNITUDE},
    {".lora_magnitude_vector.weight", LORA_MAGNITUDE},
    {".lora_magnitude_vector.default.weight", LORA_MAGNITUDE},
    {".lora_linear_layer.down.weight", LORA_DOWN}, /* diffusers before it used PEFT */
    {".lora_linear_layer.up.weight", LORA_UP},
    {"_lora.down.weight", LORA_DOWN},
    {"_lora.up.weight", LORA_UP},
    {".lora.down.weight", LORA_DOWN},
    {".lora.up.weight", LORA_UP},
    {".dora_scale", LORA_DORA_SCALE},
    {".hada_w1_a", LORA_W1_UP},
    {".hada_w1_b", LORA_W1_DOWN},
    {".hada_t1", LORA_W1_CORE},
    {".hada_w2_a", LORA_W2_UP},
    {".hada_w2_b", LORA_W2_DOWN},
    {".hada_t2", LORA_W2_CORE},
    {".lokr_w1", LORA_W1},
    {".lokr_w1_a", LORA_W1_UP},
    {".lokr_w1_b", LORA_W1_DOWN},
    {".lokr_t1", LORA_W1_CORE},
    {".lokr_w2", LORA_W2},
    {".lokr_w2_a", LORA_W2_UP},
    {".lokr_w2_b", LORA_W2_DOWN},
    {".lokr_t2", LORA_W2_CORE},
    {".diff", LORA_DIFF},
    {".diff_b", LORA_DIFF_BIAS},
};

/* A tensor of the file, and the layer that it belongs to. */
struct piece {
    const struct weight *weight;
    size_t name_length; /* of weight's name */
    enum lora_part part;
};

static bool read_name(const struct weight *weight, struct piece *piece)
{
    const size_t length = strlen(weight->name);

    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        const size_t end = strlen(endings[i].text);

        if (length > end && strcmp(weight->name + length - end, endings[i].text) == 0) {
            *piece = (struct piece){weight, length - end, endings[i].part};
            return true;
        }
    }
    return false;
}

static int compare_pieces(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;
    const size_t shorter = x->name_length < y->name_length ? x->name_length : y->name_length;
    const int order = memcmp(x->weight->name, y->weight->name, shorter);

    return order ? order : (x->name_length > y->name_length) - (x->name_length < y->name_length);
}

static bool has(const struct lora_module *module, enum lora_part part)
{
    return module->part[part] != NULL;
}

static bool has_any(const struct lora_module *module, enum lora_part first, enum lora_part last)
{
    bool any = false;

    for (enum lora_part part = first; part <= last; part++)
        any |= has(module, part);
    return any;
}

/* A factor is there as a product of two, or whole. */
static bool has_factor(const struct lora_module *m, enum lora_part whole, enum lora_part up,
                       enum lora_part core)
{
    const bool product = has(m, up) && has(m, up + 1);

    return has(m, whole) ? !has_any(m, up, core) : product;
}

/* Which of the known forms the parts make. */
static bool find_form(struct lora_module *m)
{
    const bool low_rank = has_any(m, LORA_DOWN, LORA_CORE), whole = has_any(m, LORA_W1, LORA_W2);
    const bool factors = has_any(m, LORA_W1_UP, LORA_W2_CORE), diff = has_any(m, LORA_DIFF, LORA_DIFF_BIAS);

    if (low_rank && !whole && !factors && !has(m, LORA_DIFF)) {
        m->form = LORA_LOW_RANK;
        return has(m, LORA_DOWN) && has(m, LORA_UP);
    }
    if (diff && !low_rank && !whole && !factors) {
        m->form = LORA_DIFFERENCE;
        return true;
    }
    if (low_rank || has(m, LORA_DIFF) || (!whole && !factors))
        return false;
    /* With no factor whole it may be either: the Hadamard product's have names of their own. */
    m->form = strstr((m->part[LORA_W1_UP] ? m->part[LORA_W1_UP]
                      : m->part[LORA_W2]  ? m->part[LORA_W2]
                                          : m->part[LORA_W1])
                         ->name,
                     ".hada_")
                  ? LORA_HADAMARD
                  : LORA_KRONECKER;
    return has_factor(m, LORA_W1, LORA_W1_UP, LORA_W1_CORE) &&
           has_factor(m, LORA_W2, LORA_W2_UP, LORA_W2_CORE);
}

static enum ltd_status check_module(struct lora_module *module, struct ltd_error *err)
{
    const struct weight *alpha = module->part[LORA_ALPHA];

    if (alpha && alpha->count != 1)
        return ltd_fail(err, LTD_EFORMAT, "tensor %s has %zu values instead of one", alpha->name,
                        alpha->count);
    if (!find_form(module))
        return ltd_fail(err, LTD_EFORMAT,
                        "the tensors of %s make no adapter: one is missing, or they are of different kinds",
                        module->name);
    return LTD_OK;
}

/* The pieces are sorted: those of one layer stand side by side. */
static enum ltd_status make_modules(struct lora_file *file, const struct piece *pieces, size_t count,
                                    struct ltd_error *err)
{
    char *name = file->names;
    struct lora_module *module = NULL;

    for (size_t i = 0; i < count; i++) {
        const struct piece *p = &pieces[i];

        if (i == 0 || compare_pieces(&pieces[i - 1], p) != 0) {
            module = &file->modules[file->count++];
            module->name = name;
            memcpy(name, p->weight->name, p->name_length);
            name += p->name_length + 1;
        }
        if (module->part[p->part])
            return ltd_fail(err, LTD_EFORMAT, "tensors %s and %s are the same part of a layer",
                            module->part[p->part]->name, p->weight->name);
        module->part[p->part] = p->weight;
    }
    return LTD_OK;
}

static enum ltd_status read_modules(struct lora_file *file, struct ltd_error *err)
{
    const size_t count = weight_set_count(file->set);
    struct piece *pieces = calloc(count + 1, sizeof *pieces);
    size_t name_bytes = 1;
    enum ltd_status st = LTD_OK;

    for (size_t i = 0; i < count && pieces && st == LTD_OK; i++) {
        const struct weight *w = weight_set_at(file->set, i);

        if (!read_name(w, &pieces[i]))
            st = ltd_fail(err, LTD_EUNSUPPORTED, "tensor %s belongs to no kind of adapter that is known",
                          w->name);
        name_bytes += pieces[i].name_length + 1;
    }
    file->modules = calloc(count + 1, sizeof *file->modules);
    file->names = calloc(name_bytes, 1);
    if (!pieces || !file->modules || !file->names)
        st = ltd_fail(err, LTD_ENOMEM, "no memory for the index");
    if (st == LTD_OK && weight_set_buffer(file->set))
        st = ltd_fail(err, LTD_EUNSUPPORTED, "tensor %s holds integers; save it in f32",
                      weight_set_buffer(file->set));
    if (st == LTD_OK && count == 0)
        st = ltd_fail(err, LTD_EFORMAT, "there is no tensor in it");
    if (st == LTD_OK) {
        qsort(pieces, count, sizeof *pieces, compare_pieces);
        st = make_modules(file, pieces, count, err);
    }
    free(pieces);
    for (size_t i = 0; i < file->count && st == LTD_OK; i++)
        st = check_module(&file->modules[i], err);
    return st;
}

enum ltd_status lora_file_open(const char *path, struct lora_file **out, struct ltd_error *err)
{
    struct lora_file *file = calloc(1, sizeof *file);
    enum ltd_status st;

    if (!file)
        return ltd_fail(err, LTD_ENOMEM, "no memory for the index");
    st = weight_set_open_unnamed(path, &file->set, err);
    if (st == LTD_OK)
        st = read_modules(file, err);
    if (st == LTD_OK && weight_set_adapter(file->set))
        st = lora_alphas_read(weight_set_adapter(file->set), file->modules, file->count, err);
    if (st == LTD_OK)
        *out = file;
    else
        lora_file_close(file);
    return st;
}

void lora_file_close(struct lora_file *file)
{
    if (!file)
        return;
    weight_set_close(file->set);
    free(file->modules);
    free(file->names);
    free(file);
}

size_t lora_file_count(const struct lora_file *file)
{
    return file->count;
}

const struct lora_module *lora_file_at(const struct lora_file *file, size_t i)
{
    return &file->modules[i];
}
