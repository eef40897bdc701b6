#include "text/embedding_file.h"

#include <stdlib.h>
#include <string.h>

#include "nn/weight_values.h"
#include "weights/weight_set.h"

static enum ltd_status find_tensor(const struct weight_set *set, const struct weight **out,
                                   struct ltd_error *err)
{
    *out = weight_set_find(set, "emb_params");
    if (!*out && weight_set_find(set, "clip_l") && weight_set_find(set, "clip_g"))
        return ltd_fail(
            err, LTD_EUNSUPPORTED,
            "is for Stable Diffusion XL (clip_l and clip_g), and this model has one text encoder");
    if (!*out && weight_set_count(set) == 1)
        *out = weight_set_at(set, 0);
    if (!*out)
        return ltd_fail(err, LTD_EFORMAT, "has %zu tensors; an embedding has one, or one named emb_params",
                        weight_set_count(set));
    return LTD_OK;
}

static enum ltd_status check_tensor(const struct weight *w, size_t channels, size_t most,
                                    struct ltd_error *err)
{
    const size_t width = w->rank > 0 ? w->dim[w->rank - 1] : 0;

    if ((w->rank != 1 && w->rank != 2) || w->count == 0)
        return ltd_fail(err, LTD_EFORMAT,
                        "has a tensor \"%.80s\" of %d dimensions and %zu values; an embedding has "
                        "[vectors, %zu]",
                        w->name, w->rank, w->count, channels);
    if (width != channels)
        return ltd_fail(err, LTD_EUNSUPPORTED,
                        "has vectors of %zu values, and this model's text encoder takes %zu", width,
                        channels);
    if (w->count / width > most)
        return ltd_fail(err, LTD_EUNSUPPORTED, "has %zu vectors, and this model reads %zu tokens at a time",
                        w->count / width, most);
    if (!weight_is_finite(w))
        return ltd_fail(err, LTD_EFORMAT, "has values that are not finite in \"%.80s\"", w->name);
    return LTD_OK;
}

enum ltd_status embedding_file_read(const char *path, size_t channels, size_t most, float **vectors,
                                    size_t *count, struct ltd_error *err)
{
    struct weight_set *set = NULL;
    const struct weight *w = NULL;
    float *values = NULL;
    enum ltd_status st = weight_set_open_unnamed(path, &set, err);

    if (st != LTD_OK)
        return st;
    st = find_tensor(set, &w, err);
    if (st == LTD_OK)
        st = check_tensor(w, channels, most, err);
    if (st == LTD_OK && !(values = malloc(w->count * sizeof *values)))
        st = ltd_fail(err, LTD_ENOMEM, "cannot be read: no memory");
    if (st == LTD_OK) {
        weight_to_f32(w, values);
        *vectors = values;
        *count = w->count / channels;
    }
    weight_set_close(set);
    return st;
}
