/* Texts as chunks: where a long text is split, names of embeddings, and what is cut. */
#include "tokenizer/prompt_chunks.h"

#include <stdio.h>
#include <stdlib.h>

#include "check.h"

/* A chunk of 10 tokens.  Every letter is a token of its own in every CLIP vocabulary. */
enum { LENGTH = 12, SPACE = LENGTH - 2 };

static const char default_dir[] = "models/default/tokenizer";
static const char sd2_dir[] = "tests/engine/tokenizer/fixtures/sd2";

struct setup {
    struct clip_tokenizer *tokenizer;
    struct prompt_names names;
    struct prompt_reader reader;
    struct prompt_chunks chunks;
    struct ltd_error err;
};

static bool open_setup(struct setup *s, const char *dir)
{
    *s = (struct setup){0};
    if (clip_tokenizer_open(dir, &s->tokenizer, &s->err) != LTD_OK) {
        check_failed(__FILE__, __LINE__, "%s", s->err.message);
        return false;
    }
    s->reader = (struct prompt_reader){s->tokenizer, &s->names, LENGTH};
    return true;
}

static void close_setup(struct setup *s)
{
    prompt_chunks_fini(&s->chunks);
    prompt_names_fini(&s->names);
    clip_tokenizer_close(s->tokenizer);
}

static enum ltd_status add(struct setup *s, const char *text)
{
    struct prompt_pieces pieces;
    enum ltd_status st = prompt_pieces_split(&pieces, text, &s->err);

    if (st == LTD_OK)
        st = prompt_chunks_add(&s->chunks, &s->reader, &pieces, &s->err);
    prompt_pieces_fini(&pieces);
    return st;
}

/* Adds an embedding of that name; its vectors get the ids from `first` on. */
static void add_name(struct setup *s, const char *name, int32_t first, size_t vectors)
{
    int32_t ids[32];
    size_t count;

    CHECK(clip_tokenizer_words(s->tokenizer, name, strlen(name), ids, COUNT(ids), &count, NULL) == LTD_OK);
    CHECK(prompt_names_add(&s->names, name, ids, count, first, vectors, NULL) == LTD_OK);
}

static int32_t id_of(const struct setup *s, char letter)
{
    int32_t id = -1;
    size_t count;

    CHECK(clip_tokenizer_words(s->tokenizer, &letter, 1, &id, 1, &count, NULL) == LTD_OK && count == 1);
    return id;
}

/* Is a chunk the start mark, those characters (digits: vectors 1000 to 1009), the end mark, and padding? */
static void check_chunk(const struct setup *s, size_t chunk, const char *want)
{
    const int32_t *ids = s->chunks.ids + chunk * LENGTH;
    const size_t count = strlen(want);

    if (chunk >= s->chunks.count) {
        check_failed(__FILE__, __LINE__, "there is no chunk %zu", chunk);
        return;
    }
    CHECK_INT(ids[0], clip_tokenizer_bos(s->tokenizer));
    for (size_t i = 0; i < count; i++) {
        const int32_t id = want[i] >= '0' && want[i] <= '9' ? 1000 + want[i] - '0' : id_of(s, want[i]);

        if (ids[1 + i] != id)
            check_failed(__FILE__, __LINE__, "chunk %zu, \"%s\": id %d at %zu", chunk, want, (int)ids[1 + i],
                         i);
    }
    CHECK_INT(ids[1 + count], clip_tokenizer_eos(s->tokenizer));
    for (size_t i = 2 + count; i < LENGTH; i++)
        CHECK_INT(ids[i], clip_tokenizer_pad(s->tokenizer));
}

static void check_chunks(const char *dir, const char *text, const char *const *want)
{
    struct setup s;
    size_t count = 0;

    if (!open_setup(&s, dir))
        return;
    if (add(&s, text) != LTD_OK)
        check_failed(__FILE__, __LINE__, "%s: %s", text, s.err.message);
    for (; want[count]; count++)
        check_chunk(&s, count, want[count]);
    if (s.chunks.count != count)
        check_failed(__FILE__, __LINE__, "%s: %zu chunks, not %zu", text, s.chunks.count, count);
    close_setup(&s);
}

TEST(texts_and_chunks)
{
    static const struct {
        const char *text, *chunks[5];
    } cases[] = {
        {"", {""}},
        {"a b", {"ab"}},
        {"a b c d e f g h i j", {"abcdefghij"}},
        {"a b c d e f g h i j k", {"abcdefghij", "k"}},
        {"a b c d e f g h i j k l m n o p q r s t u", {"abcdefghij", "klmnopqrst", "u"}},
        /* A comma ends a chunk that would end after it; one that opens a chunk is forgotten. */
        {"a b c d e f , g h i j k", {"abcdef,", "ghijk"}},
        {"a , b c , d e f g h i j", {"a,bc,", "defghij"}},
        {", b c d e f g h i j k", {",", "bcdefghijk"}},
        {"a b c d e f g h i , j", {"abcdefghi,", "j"}},
        {"a b c d e f g h i j , k l m n o p q r s t", {"abcdefghij", ",klmnopqrs", "t"}},
        {"a b c d e f g h i j k , l m n o p q r s t u", {"abcdefghij", "k,", "lmnopqrstu"}},
        {"a BREAK b", {"a", "b"}},
        {"a BREAK", {"a"}},
        {"BREAK", {""}},
        {"BREAK a", {"", "a"}},
        {"a BREAK BREAK b", {"a", "", "b"}},
        {"a b c d e f g h i j BREAK k", {"abcdefghij", "k"}},
        {"a , b BREAK c d e f g h i j k l m", {"a,b", "cdefghijkl", "m"}},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        check_chunks(default_dir, cases[i].text, cases[i].chunks);
}

TEST(padding_that_is_no_end_mark_follows_it)
{
    static const char *const short_text[] = {"ab", NULL}, *const moved[] = {"abcdef,", "ghijk", NULL};

    check_chunks(sd2_dir, "a b", short_text);
    check_chunks(sd2_dir, "a b c d e f , g h i j k", moved);
}

TEST(weights_go_with_their_tokens)
{
    static const float want[2 * LENGTH] = {1, 1, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1,
                                           1, 3, 3, 3, 3, 3, 3, 1, 1, 1, 1, 1};
    struct setup s;

    if (!open_setup(&s, default_dir))
        return;
    REQUIRE(add(&s, "a (b c:2) , (d e f g h i:3)") == LTD_OK);
    CHECK_INT(s.chunks.count, 1);
    prompt_chunks_fini(&s.chunks);
    REQUIRE(add(&s, "a (b c:2) x x x x , (d e f g h i:3)") == LTD_OK);
    REQUIRE(s.chunks.count == 2);
    for (size_t i = 0; i < 2 * LENGTH; i++)
        CHECK_NEAR(s.chunks.weights[i], want[i], 0);
    close_setup(&s);
}

TEST(names_stand_for_vectors)
{
    static const struct {
        const char *text, *chunks[4];
    } cases[] = {
        {"a cat b", {"a0b"}},
        {"CAT, Cat", {"0,0"}},
        {"fat cat", {"123"}},
        {"fat a", {"45a"}},
        {"a b c d e f g h fat cat i", {"abcdefgh", "123i"}},
        {"a b c d e f g cat fat cat i", {"abcdefg0", "123i"}},
        /* Vectors that a comma moves to the next chunk move as they are. */
        {"a , b c d e cat fat f g", {"a,", "bcde045fg"}},
    };
    struct setup s;

    for (size_t i = 0; i < COUNT(cases); i++) {
        if (!open_setup(&s, default_dir))
            return;
        add_name(&s, "cat", 1000, 1);
        add_name(&s, "fat", 1004, 2);
        add_name(&s, "fat cat", 1001, 3);
        add_name(&s, "FAT", 1008, 1);
        REQUIRE(add(&s, cases[i].text) == LTD_OK);
        for (size_t k = 0; k < COUNT(cases[i].chunks) && cases[i].chunks[k]; k++)
            check_chunk(&s, k, cases[i].chunks[k]);
        CHECK(!s.chunks.unusable);
        close_setup(&s);
    }
}

TEST(a_name_without_vectors_is_text_and_is_told)
{
    struct setup s;

    if (!open_setup(&s, default_dir))
        return;
    add_name(&s, "q", 0, 0);
    REQUIRE(add(&s, "a b") == LTD_OK && !s.chunks.unusable);
    REQUIRE(add(&s, "a q b") == LTD_OK);
    check_chunk(&s, 1, "aqb");
    CHECK(s.chunks.unusable && strcmp(s.chunks.unusable->name, "q") == 0);
    close_setup(&s);
}

TEST(plain_text_is_cut_to_one_chunk)
{
    static const struct {
        const char *text, *chunk;
        size_t cut;
    } cases[] = {
        {"a (b:2)", NULL, 0},
        {"a b c d e f g h i j", "abcdefghij", 0},
        {"a b c d e f g h , j k l", "abcdefgh,j", 2},
        {"a b c d e f g h fat cat i", "abcdefgh12", 2},
        {"cat BREAK", NULL, 0},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct setup s;
        size_t cut;

        if (!open_setup(&s, default_dir))
            return;
        add_name(&s, "fat cat", 1001, 3);
        REQUIRE(prompt_chunks_add_cut(&s.chunks, &s.reader, cases[i].text, &cut, &s.err) == LTD_OK);
        CHECK_INT(s.chunks.count, 1);
        CHECK_INT(cut, cases[i].cut);
        if (cases[i].chunk)
            check_chunk(&s, 0, cases[i].chunk);
        for (size_t k = 0; k < LENGTH; k++)
            CHECK_NEAR(s.chunks.weights[k], 1, 0);
        close_setup(&s);
    }
}

TEST(a_text_may_fill_so_many_chunks)
{
    const size_t most = PROMPT_MAX_CHUNKS * SPACE;
    char *text = calloc(most + 1, 2);
    struct setup s;

    if (!open_setup(&s, default_dir))
        return;
    for (size_t i = 0; i < most; i++)
        memcpy(text + 2 * i, "a ", 2);
    CHECK(add(&s, text) == LTD_OK && s.chunks.count == PROMPT_MAX_CHUNKS);
    text[2 * most] = 'a';
    CHECK(add(&s, text) == LTD_EINVAL && strstr(s.err.message, "32 chunks of 10 tokens"));
    free(text);
    close_setup(&s);
}
