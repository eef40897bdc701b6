#include "tokenizer/bpe.h"

#include <stdlib.h>
#include <string.h>

#include "base/mapped_file.h"
#include "tokenizer/hash.h"
#include "tokenizer/tokenizer_file.h"

#define MERGE_FREE   UINT32_MAX
#define END_OF_WORD  "</w>"
#define VERSION_LINE "#version"

struct merge {
    int32_t left, right, whole;
};

struct bpe {
    int32_t byte_symbol[2][256]; /* [1]: with the end-of-word mark */
    struct merge *merge;         /* by rank */
    uint32_t *slot;              /* open addressing by (left, right): rank, or MERGE_FREE */
    size_t slot_mask;
    uint32_t count;
};

/* A word's pieces are a list in an array, at the places of their first bytes. */
struct bpe_symbol {
    int32_t id;            /* -1: merged into the one before */
    int32_t before, after; /* -1 at the ends */
};

/* ---- opening ---- */

bool bpe_spells_itself(int byte)
{
    return (byte > 0x20 && byte < 0x7F) || (byte > 0xA0 && byte != 0xAD);
}

size_t bpe_spell_byte(int byte, char *out)
{
    int c = byte, others = 0;

    for (int b = 0; b <= byte; b++) {
        c = bpe_spells_itself(b) ? b : 0x100 + others++;
    }
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    out[0] = (char)(0xC0 | c >> 6);
    out[1] = (char)(0x80 | (c & 0x3F));
    return 2;
}

static enum ltd_status find_byte_symbols(struct bpe *bpe, const struct vocab *vocab, int32_t unknown,
                                         const char *path, struct ltd_error *err)
{
    for (int byte = 0; byte < 256; byte++) {
        char name[2 + sizeof END_OF_WORD];
        const size_t size = bpe_spell_byte(byte, name);

        memcpy(name + size, END_OF_WORD, sizeof END_OF_WORD);
        for (int last = 0; last < 2; last++) {
            int32_t *symbol = &bpe->byte_symbol[last][byte];

            *symbol = vocab_find(vocab, name, size + (last ? strlen(END_OF_WORD) : 0));
            if (*symbol < 0)
                *symbol = unknown;
            if (*symbol < 0)
                return ltd_fail(
                    err, LTD_EFORMAT,
                    "%s: the vocabulary beside it has no symbol for the byte %d%s and no unknown token", path,
                    byte, last ? " at a word's end" : "");
        }
    }
    return LTD_OK;
}

/* The slot of the pair, or the free one where it belongs; SIZE_MAX when neither is near. */
static size_t find_slot(const struct bpe *bpe, int32_t left, int32_t right)
{
    const uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    size_t at = (size_t)hash_mix(key) & bpe->slot_mask;

    for (int i = 0; i < HASH_MAX_PROBES; i++, at = (at + 1) & bpe->slot_mask) {
        const uint32_t rank = bpe->slot[at];

        if (rank == MERGE_FREE || (bpe->merge[rank].left == left && bpe->merge[rank].right == right))
            return at;
    }
    return SIZE_MAX;
}

/* One line of merges.txt, without its end. */
struct line {
    const char *text;
    size_t size;
    size_t number; /* from 1 */
};

static bool next_line(const struct mapped_file *file, size_t *at, struct line *line)
{
    const char *text = (const char *)file->data + *at;
    const char *end;

    if (*at >= file->size)
        return false;
    end = memchr(text, '\n', file->size - *at);
    line->text = text;
    line->size = end ? (size_t)(end - text) : file->size - *at;
    *at += line->size + (end ? 1 : 0);
    if (end && line->size > 0 && text[line->size - 1] == '\r')
        line->size--;
    line->number++;
    return true;
}

static bool is_version(const struct line *line)
{
    const size_t size = strlen(VERSION_LINE);

    return line->size >= size && memcmp(line->text, VERSION_LINE, size) == 0;
}

/* The three tokens of a merge: both pieces and, joined, the whole. */
static enum ltd_status parse_merge(const struct line *line, const struct vocab *vocab, const char *path,
                                   struct merge *merge, struct ltd_error *err)
{
    const char *space = memchr(line->text, ' ', line->size);
    const size_t left = space ? (size_t)(space - line->text) : 0;
    const size_t right = space ? line->size - left - 1 : 0;
    char whole[VOCAB_MAX_TOKEN_SIZE];

    if (left == 0 || right == 0 || memchr(space + 1, ' ', right))
        return ltd_fail(err, LTD_EFORMAT, "%s: line %zu is not two pieces with one space between", path,
                        line->number);
    if (left + right > sizeof whole)
        return ltd_fail(err, LTD_EFORMAT, "%s: line %zu makes a token of more than %zu bytes", path,
                        line->number, sizeof whole);
    memcpy(whole, line->text, left);
    memcpy(whole + left, space + 1, right);
    merge->left = vocab_find(vocab, line->text, left);
    merge->right = vocab_find(vocab, space + 1, right);
    merge->whole = vocab_find(vocab, whole, left + right);
    if (merge->left < 0 || merge->right < 0)
        return ltd_fail(err, LTD_EFORMAT, "%s: line %zu merges a piece that is not in the vocabulary", path,
                        line->number);
    if (merge->whole < 0)
        return ltd_fail(err, LTD_EFORMAT, "%s: line %zu makes a token that is not in the vocabulary", path,
                        line->number);
    return LTD_OK;
}

static enum ltd_status add_merge(struct bpe *bpe, const struct merge *merge, const struct line *line,
                                 const char *path, struct ltd_error *err)
{
    const size_t at = find_slot(bpe, merge->left, merge->right);

    if (at == SIZE_MAX)
        return ltd_fail(err, LTD_EFORMAT, "%s: line %zu: made so that its merges collide", path,
                        line->number);
    if (bpe->slot[at] != MERGE_FREE)
        return ltd_fail(err, LTD_EFORMAT, "%s: line %zu has a merge that stands there before", path,
                        line->number);
    bpe->merge[bpe->count] = *merge;
    bpe->slot[at] = bpe->count++;
    return LTD_OK;
}

static enum ltd_status reserve_merges(struct bpe *bpe, const struct mapped_file *file, const char *path,
                                      struct ltd_error *err)
{
    struct line line = {0};
    size_t count = 0, slots;

    for (size_t at = 0; next_line(file, &at, &line);)
        if (!is_version(&line) && ++count > BPE_MAX_MERGES)
            return ltd_fail(err, LTD_EFORMAT, "%s: line %zu: more than %d merges", path, line.number,
                            BPE_MAX_MERGES);
    slots = hash_slots(count);
    bpe->merge = malloc((count + 1) * sizeof *bpe->merge);
    bpe->slot = malloc(slots * sizeof *bpe->slot);
    if (!bpe->merge || !bpe->slot)
        return ltd_fail(err, LTD_ENOMEM, "%s: no memory for %zu merges", path, count);
    memset(bpe->slot, 0xFF, slots * sizeof *bpe->slot);
    bpe->slot_mask = slots - 1;
    return LTD_OK;
}

static enum ltd_status read_merges(struct bpe *bpe, const struct mapped_file *file, const struct vocab *vocab,
                                   const char *path, struct ltd_error *err)
{
    struct line line = {0};
    enum ltd_status status;

    if (file->size > TOKENIZER_MAX_FILE)
        return ltd_fail(err, LTD_EFORMAT, "%s: more than %d bytes", path, TOKENIZER_MAX_FILE);
    status = reserve_merges(bpe, file, path, err);
    for (size_t at = 0; status == LTD_OK && next_line(file, &at, &line);) {
        struct merge merge;

        if (is_version(&line))
            continue;
        status = parse_merge(&line, vocab, path, &merge, err);
        if (status == LTD_OK)
            status = add_merge(bpe, &merge, &line, path, err);
    }
    return status;
}

enum ltd_status bpe_read(const void *text, size_t size, const char *name, const struct vocab *vocab,
                         int32_t unknown, struct bpe **out, struct ltd_error *err)
{
    const struct mapped_file file = {.data = text, .size = size};
    struct bpe *bpe = calloc(1, sizeof *bpe);
    enum ltd_status status;

    if (!bpe)
        return ltd_fail(err, LTD_ENOMEM, "%s: no memory for the merges", name);
    status = read_merges(bpe, &file, vocab, name, err);
    if (status == LTD_OK)
        status = find_byte_symbols(bpe, vocab, unknown, name, err);
    if (status == LTD_OK)
        *out = bpe;
    else
        bpe_close(bpe);
    return status;
}

void bpe_close(struct bpe *bpe)
{
    if (!bpe)
        return;
    free(bpe->merge);
    free(bpe->slot);
    free(bpe);
}

/* ---- encoding ---- */

void bpe_scratch_fini(struct bpe_scratch *scratch)
{
    free(scratch->symbol);
    free(scratch->heap);
    free(scratch->ids);
    *scratch = (struct bpe_scratch){0};
}

static enum ltd_status reserve_scratch(struct bpe_scratch *scratch, size_t size, struct ltd_error *err)
{
    size_t room = 64;

    if (scratch->room >= size)
        return LTD_OK;
    if (size > INT32_MAX / 2)
        return ltd_fail(err, LTD_ENOMEM, "a word of %zu bytes is too long", size);
    while (room < size)
        room *= 2;
    bpe_scratch_fini(scratch);
    scratch->symbol = malloc(room * sizeof *scratch->symbol);
    /* size - 1 pairs at the start; each merge takes one entry off and adds at most two. */
    scratch->heap = malloc(2 * room * sizeof *scratch->heap);
    scratch->ids = malloc(room * sizeof *scratch->ids);
    if (!scratch->symbol || !scratch->heap || !scratch->ids) {
        bpe_scratch_fini(scratch);
        return ltd_fail(err, LTD_ENOMEM, "no memory to encode a word of %zu bytes", size);
    }
    scratch->room = room;
    return LTD_OK;
}

static void heap_push(struct bpe_scratch *scratch, uint64_t key)
{
    uint64_t *heap = scratch->heap;
    size_t at = scratch->heap_size++;

    while (at > 0 && heap[(at - 1) / 2] > key) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = key;
}

static uint64_t heap_pop(struct bpe_scratch *scratch)
{
    uint64_t *heap = scratch->heap;
    const uint64_t top = heap[0], key = heap[--scratch->heap_size];
    const size_t size = scratch->heap_size;
    size_t at = 0;

    for (size_t child = 1; child < size; child = 2 * at + 1) {
        if (child + 1 < size && heap[child + 1] < heap[child])
            child++;
        if (heap[child] >= key)
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = key;
    return top;
}

/* Puts the merge of the symbol at place and the one after it on the heap, if there is one. */
static void offer_merge(const struct bpe *bpe, struct bpe_scratch *scratch, int32_t place)
{
    const struct bpe_symbol *symbol = &scratch->symbol[place];
    size_t at;

    if (symbol->after < 0)
        return;
    at = find_slot(bpe, symbol->id, scratch->symbol[symbol->after].id);
    if (at != SIZE_MAX && bpe->slot[at] != MERGE_FREE)
        heap_push(scratch, (uint64_t)bpe->slot[at] << 32 | (uint32_t)place);
}

static void merge_with_next(const struct bpe *bpe, struct bpe_scratch *scratch, int32_t place, int32_t whole)
{
    struct bpe_symbol *symbol = &scratch->symbol[place];
    struct bpe_symbol *gone = &scratch->symbol[symbol->after];

    symbol->id = whole;
    symbol->after = gone->after;
    gone->id = -1;
    if (symbol->after >= 0)
        scratch->symbol[symbol->after].before = place;
    if (symbol->before >= 0)
        offer_merge(bpe, scratch, symbol->before);
    offer_merge(bpe, scratch, place);
}

enum ltd_status bpe_encode(const struct bpe *bpe, const uint8_t *word, size_t size,
                           struct bpe_scratch *scratch, size_t *count, struct ltd_error *err)
{
    const int32_t length = (int32_t)size;
    const enum ltd_status status = reserve_scratch(scratch, size, err);
    size_t n = 0;

    if (status != LTD_OK)
        return status;
    for (int32_t i = 0; i < length; i++)
        scratch->symbol[i] = (struct bpe_symbol){.id = bpe->byte_symbol[i + 1 == length][word[i]],
                                                 .before = i - 1,
                                                 .after = i + 1 < length ? i + 1 : -1};
    scratch->heap_size = 0;
    for (int32_t i = 0; i < length; i++)
        offer_merge(bpe, scratch, i);
    while (scratch->heap_size > 0) {
        const uint64_t top = heap_pop(scratch);
        const struct merge *merge = &bpe->merge[top >> 32];
        const int32_t place = (int32_t)(top & UINT32_MAX);
        const struct bpe_symbol *symbol = &scratch->symbol[place];

        /* An entry is stale once either of its symbols has been merged otherwise. */
        if (symbol->id == merge->left && symbol->after >= 0 &&
            scratch->symbol[symbol->after].id == merge->right)
            merge_with_next(bpe, scratch, place, merge->whole);
    }
    for (int32_t at = 0; at >= 0; at = scratch->symbol[at].after)
        scratch->ids[n++] = scratch->symbol[at].id;
    *count = n;
    return LTD_OK;
}
