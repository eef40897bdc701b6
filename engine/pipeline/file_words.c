#include "pipeline/file_words.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "pipeline/model_folder.h"
#include "pipeline/text_stack.h"
#include "tokenizer/clip_words.h"

#define PATH_ROOM 4096

/* What fills up a text of OpenCLIP's. */
#define SECOND_PAD "!"

/* The folder of the file, as far as it is written before the file's name. */
static enum ltd_status folder_of(const char *path, char dir[PATH_ROOM], struct ltd_error *err)
{
    const char *slash = strrchr(path, '/');
    const int length = slash && slash > path ? (int)(slash - path) : 1;

    if (snprintf(dir, PATH_ROOM, "%.*s", length, slash ? path : ".") < PATH_ROOM)
        return LTD_OK;
    return ltd_fail(err, LTD_ENOTFOUND, "the model's path is too long");
}

/* dir/name; is it there? */
static bool find(const char *dir, const char *name, char path[PATH_ROOM])
{
    struct stat st;

    return snprintf(path, PATH_ROOM, "%s/%s", dir, name) < PATH_ROOM && stat(path, &st) == 0;
}

/* One vocabulary: in a folder, or built in. */
struct place {
    char dir[PATH_ROOM];
    bool builtin;
};

static enum ltd_status open_at(const struct place *place, const char *pad, struct clip_tokenizer **out,
                               struct ltd_error *err)
{
    return place->builtin ? clip_tokenizer_open_builtin(pad, out, err)
                          : clip_tokenizer_open_padded(place->dir, pad, out, err);
}

/* tokenizer/ beside the file, else the folder of the file itself, else what is built in, if the text encoder
 * has so many tokens. */
static enum ltd_status find_words(struct ltd_model *model, const char *dir, struct place *out,
                                  struct ltd_error *err)
{
    char path[PATH_ROOM];

    *out = (struct place){.builtin = false};
    model->words = "tokenizer/ beside the file";
    if (find(dir, "tokenizer", out->dir))
        return LTD_OK;
    snprintf(out->dir, sizeof out->dir, "%s", dir);
    model->words = "beside the file";
    if (find(dir, "vocab.json", path) || find(dir, "tokenizer.json", path))
        return LTD_OK;
    out->builtin = text_stack_vocab(model) == CLIP_WORDS_COUNT;
    model->words = "CLIP's own, built in";
    if (out->builtin)
        return LTD_OK;
    return ltd_fail(
        err, LTD_ENOTFOUND,
        "%s/tokenizer: no such folder; a checkpoint in one file holds no vocabulary, and the built-in "
        "one has %d tokens, not the text encoder's %zu, so put the tokenizer/ of a diffusers folder "
        "of the model, or a tokenizer.json, beside it",
        dir, CLIP_WORDS_COUNT, text_stack_vocab(model));
}

enum ltd_status file_words_open(struct ltd_model *model, const char *path, enum compvis_family family,
                                struct ltd_error *err)
{
    const char *pad = family == COMPVIS_REFINER ? SECOND_PAD : NULL;
    char dir[PATH_ROOM];
    struct place first, second = {.builtin = false};
    enum ltd_status st = folder_of(path, dir, err);
    bool own;

    if (st != LTD_OK)
        return st;
    own = find(dir, "tokenizer_2", second.dir);
    if (own && family == COMPVIS_REFINER) {
        model->words = "tokenizer_2/ beside the file";
        return open_at(&second, NULL, &model->tokenizer, err);
    }
    st = find_words(model, dir, &first, err);
    if (first.builtin && family == COMPVIS_SD2)
        pad = SECOND_PAD;
    if (st == LTD_OK)
        st = open_at(&first, pad, &model->tokenizer, err);
    if (st != LTD_OK || family != COMPVIS_XL)
        return st;
    own = own && !first.builtin && find(dir, "tokenizer", first.dir);
    st = own ? open_at(&second, NULL, &model->tokenizer_2, err)
             : open_at(&first, SECOND_PAD, &model->tokenizer_2, err);
    return st == LTD_OK && own ? model_folder_check_words(model, dir, err) : st;
}
