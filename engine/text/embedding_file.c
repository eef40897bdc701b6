#include "text/embedding_file.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "nn/weight_values.h"
#include "weights/weight_set.h"

/* As AUTOMATIC1111 names those for the two text encoders of Stable Diffusion XL. */
static const char *const names_of_two[2] = {"clip_l", "clip_g"};

static enum ltd_status find_two(const struct weight_set *set, const struct weight *out[2],
                                struct ltd_error *err)
{
    for (int i = 0; i < 2; i++) {
        out[i] = weight_set_find(set, names_of_two[i]);
        if (!out[i])
            return ltd_fail(err, LTD_EUNSUPPORTED,
                            "has no tensor %s; this model has two text encoders, for which an embedding has "
                            "clip_l and clip_g",
                            names_of_two[i]);
    }
    return LTD_OK;
}

static enum ltd_status find_one(const struct weight_set *set, const struct weight **out,
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

static enum ltd_status read_tensor(const struct weight *w, size_t channels, size_t most, float **values,
                                   size_t *count, struct ltd_error *err)
{
    enum ltd_status st = check_tensor(w, channels, most, err);

    if (st != LTD_OK)
        return st;
    *values = malloc(w->count * sizeof **values);
    if (!*values)
        return ltd_fail(err, LTD_ENOMEM, "cannot be read: no memory");
    weight_to_f32(w, *values);
    *count = w->count / channels;
    return LTD_OK;
}

enum ltd_status embedding_file_read(const char *path, const size_t channels[2], size_t most,
                                    struct embedding_vectors *vectors, struct ltd_error *err)
{
    const struct weight *w[2] = {NULL, NULL};
    const bool two = channels[1] > 0;
    struct weight_set *set = NULL;
    size_t count = 0;
    enum ltd_status st;

    *vectors = (struct embedding_vectors){0};
    st = weight_set_open_unnamed(path, &set, err);
    if (st != LTD_OK)
        return st;
    st = two ? find_two(set, w, err) : find_one(set, w, err);
    if (st == LTD_OK)
        st = read_tensor(w[0], channels[0], most, &vectors->first, &vectors->count, err);
    if (st == LTD_OK && two)
        st = read_tensor(w[1], channels[1], most, &vectors->second, &count, err);
    if (st == LTD_OK && two && count != vectors->count)
        st = ltd_fail(err, LTD_EFORMAT, "has %zu vectors in clip_l and %zu in clip_g", vectors->count, count);
    weight_set_close(set);
    return st;
}

void embedding_vectors_fini(struct embedding_vectors *vectors)
{
    free(vectors->first);
    free(vectors->second);
    *vectors = (struct embedding_vectors){0};
}
