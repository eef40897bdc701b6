#include "tokenizer/prompt_chunks.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* So many tokens after the last comma are moved to the next chunk, at most. */
enum { COMMA_BACKTRACK = 20 };

/* The chunk that is being filled, which is the last one of chunks. */
struct filler {
    struct prompt_chunks *chunks;
    const struct prompt_reader *reader;
    size_t space;  /* tokens of a chunk, without the marks */
    size_t first;  /* chunk of this text */
    size_t filled; /* tokens */
    size_t comma;  /* tokens up to the last comma, with it; 0: there is none */
    struct ltd_error *err;
};

static int32_t *ids_of(const struct filler *f)
{
    return f->chunks->ids + (f->chunks->count - 1) * f->reader->length;
}

static float *weights_of(const struct filler *f)
{
    return f->chunks->weights + (f->chunks->count - 1) * f->reader->length;
}

static bool make_room(struct prompt_chunks *chunks, size_t length)
{
    const size_t room = chunks->room * 2 + 2;
    int32_t *ids;
    float *weights;

    if (chunks->count < chunks->room)
        return true;
    ids = realloc(chunks->ids, room * length * sizeof *ids);
    if (ids)
        chunks->ids = ids;
    weights = realloc(chunks->weights, room * length * sizeof *weights);
    if (weights)
        chunks->weights = weights;
    if (!ids || !weights)
        return false;
    chunks->room = room;
    return true;
}

static enum ltd_status too_long(const struct filler *f)
{
    return ltd_fail(f->err, LTD_EINVAL, "is longer than %d chunks of %zu tokens, the most that is read here",
                    PROMPT_MAX_CHUNKS, f->space);
}

/* A chunk without tokens: padding follows the first end mark (where that is another token, as in Stable
 * Diffusion 2).
 */
static enum ltd_status open_chunk(struct filler *f)
{
    const struct clip_tokenizer *t = f->reader->tokenizer;
    const size_t length = f->reader->length;

    if (f->chunks->count - f->first == PROMPT_MAX_CHUNKS)
        return too_long(f);
    if (!make_room(f->chunks, length))
        return ltd_fail(f->err, LTD_ENOMEM, "no memory for the prompt");
    f->chunks->count++;
    for (size_t i = 0; i < length; i++) {
        ids_of(f)[i] = clip_tokenizer_pad(t);
        weights_of(f)[i] = 1;
    }
    ids_of(f)[0] = clip_tokenizer_bos(t);
    ids_of(f)[1] = clip_tokenizer_eos(t);
    f->filled = 0;
    f->comma = 0;
    return LTD_OK;
}

/* There is room for it. */
static void put(struct filler *f, int32_t id, float weight)
{
    ids_of(f)[1 + f->filled] = id;
    weights_of(f)[1 + f->filled] = weight;
    f->filled++;
    ids_of(f)[1 + f->filled] = clip_tokenizer_eos(f->reader->tokenizer);
}

/* Ends the full chunk at its last comma: what stands behind that goes into a new one. */
static enum ltd_status move_after_comma(struct filler *f)
{
    const size_t comma = f->comma, moved = f->filled - comma;
    enum ltd_status st = open_chunk(f);
    int32_t *from;
    float *weights;

    if (st != LTD_OK)
        return st;
    from = ids_of(f) - f->reader->length + 1 + comma;
    weights = weights_of(f) - f->reader->length + 1 + comma;
    for (size_t i = 0; i < moved; i++) {
        put(f, from[i], weights[i]);
        from[i] = clip_tokenizer_pad(f->reader->tokenizer);
        weights[i] = 1;
    }
    from[moved] = clip_tokenizer_pad(f->reader->tokenizer);
    from[0] = clip_tokenizer_eos(f->reader->tokenizer);
    return LTD_OK;
}

/* Makes the current chunk one that has room for a next token.  A comma that opens a chunk because the one
 * before was full is forgotten, as in the reference. */
static enum ltd_status make_way(struct filler *f, int32_t id)
{
    enum ltd_status st = LTD_OK;

    if (id == clip_tokenizer_comma(f->reader->tokenizer))
        f->comma = f->filled + 1;
    else if (f->filled == f->space && f->comma > 0 && f->filled - (f->comma - 1) <= COMMA_BACKTRACK)
        st = move_after_comma(f);
    if (st == LTD_OK && f->filled == f->space)
        st = open_chunk(f);
    return st;
}

static enum ltd_status put_vectors(struct filler *f, const struct prompt_name *name, float weight)
{
    enum ltd_status st = f->filled + name->vectors > f->space ? open_chunk(f) : LTD_OK;

    for (size_t i = 0; st == LTD_OK && i < name->vectors; i++)
        put(f, name->first + (int32_t)i, weight);
    return st;
}

/* The name at ids[0], if it stands for something. */
static const struct prompt_name *find_name(const struct filler *f, const int32_t *ids, size_t count)
{
    const struct prompt_name *name = prompt_names_find(f->reader->names, ids, count);

    if (!name || name->vectors > 0)
        return name;
    if (!f->chunks->unusable)
        f->chunks->unusable = name;
    return NULL;
}

static enum ltd_status put_words(struct filler *f, const int32_t *ids, size_t count, float weight)
{
    enum ltd_status st = LTD_OK;

    for (size_t i = 0; st == LTD_OK && i < count;) {
        const struct prompt_name *name = find_name(f, ids + i, count - i);

        st = make_way(f, ids[i]);
        if (st != LTD_OK)
            break;
        if (name) {
            st = put_vectors(f, name, weight);
            i += name->length;
            continue;
        }
        put(f, ids[i++], weight);
    }
    return st;
}

/* Tokens of the longest text that is read. */
static size_t most_words(const struct prompt_reader *reader)
{
    return PROMPT_MAX_CHUNKS * (reader->length - 2);
}

static enum ltd_status put_piece(struct filler *f, const char *text, size_t size, float weight, int32_t *ids)
{
    const size_t room = most_words(f->reader);
    size_t count;
    enum ltd_status st = clip_tokenizer_words(f->reader->tokenizer, text, size, ids, room, &count, f->err);

    if (st != LTD_OK)
        return st;
    return count > room ? too_long(f) : put_words(f, ids, count, weight);
}

static struct filler start(struct prompt_chunks *chunks, const struct prompt_reader *reader,
                           struct ltd_error *err)
{
    return (struct filler){
        .chunks = chunks, .reader = reader, .space = reader->length - 2, .first = chunks->count, .err = err};
}

enum ltd_status prompt_chunks_add(struct prompt_chunks *chunks, const struct prompt_reader *reader,
                                  const struct prompt_pieces *pieces, struct ltd_error *err)
{
    struct filler f = start(chunks, reader, err);
    int32_t *ids = malloc(most_words(reader) * sizeof *ids);
    enum ltd_status st = ids ? open_chunk(&f) : ltd_fail(err, LTD_ENOMEM, "no memory for the prompt");

    for (size_t i = 0; st == LTD_OK && i < pieces->count; i++) {
        const struct prompt_piece *piece = &pieces->piece[i];

        if (piece->is_break)
            st = open_chunk(&f);
        else
            st = put_piece(&f, pieces->text + piece->begin, piece->end - piece->begin, (float)piece->weight,
                           ids);
    }
    /* A chunk that nothing was put into after a BREAK is none. */
    if (st == LTD_OK && f.filled == 0 && chunks->count - f.first > 1)
        chunks->count--;
    free(ids);
    return st;
}

enum ltd_status prompt_chunks_add_cut(struct prompt_chunks *chunks, const struct prompt_reader *reader,
                                      const char *text, size_t *cut, struct ltd_error *err)
{
    struct filler f = start(chunks, reader, err);
    const size_t room = most_words(reader);
    int32_t *ids = malloc(room * sizeof *ids);
    enum ltd_status st = ids ? open_chunk(&f) : ltd_fail(err, LTD_ENOMEM, "no memory for the prompt");
    size_t count = 0, known;

    *cut = 0;
    if (st == LTD_OK)
        st = clip_tokenizer_words(reader->tokenizer, text, strlen(text), ids, room, &count, err);
    known = count < room ? count : room;
    for (size_t i = 0; st == LTD_OK && i < known;) {
        const struct prompt_name *name = find_name(&f, ids + i, known - i);
        const size_t vectors = name ? name->vectors : 1;

        for (size_t k = 0; k < vectors; k++) {
            if (f.filled < f.space)
                put(&f, name ? name->first + (int32_t)k : ids[i], 1);
            else
                ++*cut;
        }
        i += name ? name->length : 1;
    }
    *cut += count - known;
    free(ids);
    return st;
}

void prompt_chunks_fini(struct prompt_chunks *chunks)
{
    free(chunks->ids);
    free(chunks->weights);
    *chunks = (struct prompt_chunks){0};
}
