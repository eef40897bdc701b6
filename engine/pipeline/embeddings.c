#include "pipeline/embeddings.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "text/embedding_file.h"
#include "tokenizer/clip_chars.h"

enum {
    MAX_EMBEDDINGS = 4096,
    MAX_DEPTH = 8 /* folders in folders */,
    PATH_ROOM = 4096,
    MAX_NAME_TOKENS = 256
};

static const char suffix[] = ".safetensors";
/* Pickles run whatever program is in them. */
static const char *const pickles[] = {".pt", ".bin", ".ckpt", ".pth"};

struct reading {
    struct embeddings *out;
    const struct clip_tokenizer *tokenizer;
    struct clip_text *text;
    size_t most_vectors;
    struct ltd_error *err;
};

static bool ends_with(const char *name, const char *end)
{
    const size_t length = strlen(name), tail = strlen(end);

    return length > tail && strcasecmp(name + length - tail, end) == 0;
}

static const char *pickle_ending(const char *name)
{
    for (size_t i = 0; i < sizeof pickles / sizeof pickles[0]; i++)
        if (ends_with(name, pickles[i]))
            return pickles[i];
    return NULL;
}

/* The usable embedding that a name calls already: the first one counts. */
static const char *find_taken(const struct reading *r, const int32_t *ids, size_t count)
{
    const struct prompt_name *other = count > 0 ? prompt_names_find(&r->out->names, ids, count) : NULL;

    return other && other->length == count && other->vectors > 0 ? other->name : NULL;
}

/* The vectors of a file, as ids of the text encoder; what is wrong with it goes into why. */
static enum ltd_status read_vectors(const struct reading *r, const char *path, int32_t *first, size_t *count,
                                    struct ltd_error *why)
{
    float *vectors = NULL;
    enum ltd_status st;

    st =
        embedding_file_read(path, clip_text_config(r->text)->channels, r->most_vectors, &vectors, count, why);
    if (st == LTD_OK)
        st = clip_text_extend(r->text, vectors, *count, first, why);
    free(vectors);
    return st;
}

/* What speaks against an embedding before its file is looked at. */
static enum ltd_status check_name(const struct reading *r, const char *ending, const int32_t *ids,
                                  size_t tokens, struct ltd_error *why)
{
    const char *taken = find_taken(r, ids, tokens <= MAX_NAME_TOKENS ? tokens : 0);

    if (tokens == 0 || tokens > MAX_NAME_TOKENS)
        return ltd_fail(why, LTD_EINVAL, "has a name of %zu tokens, by which no prompt can call it", tokens);
    if (taken)
        return ltd_fail(why, LTD_EINVAL, "has the tokens of another one's name, \"%.80s\"", taken);
    if (strcmp(ending, suffix) != 0)
        return ltd_fail(
            why, LTD_EUNSUPPORTED,
            "is a pickle (%s), which is never read; convert it to .safetensors, with its one tensor named "
            "emb_params",
            ending);
    return LTD_OK;
}

/* Names go into JSON. */
static bool make_utf8(char *name)
{
    if (clip_utf8_valid((const uint8_t *)name, strlen(name)))
        return true;
    for (char *c = name; *c; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    return false;
}

static struct embedding *add_item(const struct reading *r, const char *file, const char *ending)
{
    struct embedding *item = realloc(r->out->item, (r->out->count + 1) * sizeof *item);

    if (!item)
        return NULL;
    r->out->item = item;
    item += r->out->count;
    *item = (struct embedding){.name = strndup(file, strlen(file) - strlen(ending))};
    if (!item->name)
        return NULL;
    r->out->count++;
    return item;
}

static enum ltd_status add_file(const struct reading *r, const char *path, const char *file,
                                const char *ending)
{
    struct embedding *item;
    struct ltd_error why;
    int32_t ids[MAX_NAME_TOKENS], first = 0;
    size_t tokens = 0;
    enum ltd_status st;

    if (r->out->count == MAX_EMBEDDINGS)
        return ltd_fail(r->err, LTD_ETOOBIG, "there are more than %d embeddings", MAX_EMBEDDINGS);
    item = add_item(r, file, ending);
    if (!item)
        return ltd_fail(r->err, LTD_ENOMEM, "no memory for embeddings");
    if (make_utf8(item->name))
        st = clip_tokenizer_words(r->tokenizer, item->name, strlen(item->name), ids, MAX_NAME_TOKENS, &tokens,
                                  &why);
    else
        st = ltd_fail(&why, LTD_EINVAL, "has a file name that is not UTF-8");
    if (st == LTD_OK)
        st = check_name(r, ending, ids, tokens, &why);
    if (st == LTD_OK)
        st = read_vectors(r, path, &first, &item->vectors, &why);
    if (st == LTD_ENOMEM || (st != LTD_OK && !(item->refused = strdup(why.message))))
        return ltd_fail(r->err, LTD_ENOMEM, "no memory for embeddings");
    if (tokens > MAX_NAME_TOKENS || find_taken(r, ids, tokens))
        return LTD_OK;
    return prompt_names_add(&r->out->names, item->name, ids, tokens, first, item->vectors, r->err);
}

static enum ltd_status read_folder(const struct reading *r, const char *dir, int depth);

/* Folders are looked into, but not where a link leads. */
static enum ltd_status take_entry(const struct reading *r, const char *dir, const char *file, int depth)
{
    const char *ending = ends_with(file, suffix) ? suffix : pickle_ending(file);
    char path[PATH_ROOM];
    struct stat is, leads_to;

    if ((size_t)snprintf(path, sizeof path, "%s/%s", dir, file) >= sizeof path)
        return ltd_fail(r->err, LTD_EIO, "%.200s...: the path is too long", path);
    if (lstat(path, &is) != 0 || stat(path, &leads_to) != 0)
        return LTD_OK;
    if (S_ISDIR(is.st_mode) && depth < MAX_DEPTH)
        return read_folder(r, path, depth + 1);
    return ending && S_ISREG(leads_to.st_mode) ? add_file(r, path, file, ending) : LTD_OK;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* In the order of their names, so that the same folder always comes to the same. */
static enum ltd_status read_folder(const struct reading *r, const char *dir, int depth)
{
    struct dirent **entries = NULL;
    const int count = scandir(dir, &entries, is_visible, alphasort);
    enum ltd_status st = LTD_OK;

    if (count < 0)
        return ltd_fail(r->err, errno == ENOENT || errno == ENOTDIR ? LTD_ENOTFOUND : LTD_EIO,
                        "%s: the folder of embeddings cannot be read: %s", dir, strerror(errno));
    for (int i = 0; i < count; i++) {
        if (st == LTD_OK)
            st = take_entry(r, dir, entries[i]->d_name, depth);
        free(entries[i]);
    }
    free(entries);
    return st;
}

enum ltd_status embeddings_read(struct embeddings *embeddings, const char *dir,
                                const struct clip_tokenizer *tokenizer, struct clip_text *text,
                                size_t most_vectors, struct ltd_error *err)
{
    const struct reading r = {embeddings, tokenizer, text, most_vectors, err};

    return read_folder(&r, dir, 0);
}

void embeddings_fini(struct embeddings *embeddings)
{
    for (size_t i = 0; i < embeddings->count; i++) {
        free(embeddings->item[i].name);
        free(embeddings->item[i].refused);
    }
    free(embeddings->item);
    prompt_names_fini(&embeddings->names);
    *embeddings = (struct embeddings){0};
}

const char *embeddings_refusal(const struct embeddings *embeddings, const struct prompt_name *name)
{
    for (size_t i = 0; i < embeddings->count; i++)
        if (embeddings->item[i].name == name->name)
            return embeddings->item[i].refused;
    return "";
}
