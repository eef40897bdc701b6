/* A folder of textual inversion embeddings: which files are read, which are refused by name, and what prompts
 * do. */
#include <latentd/model.h>
#include <latentd/session.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "model_copy.h"
#include "write_safetensors.h"

#define MODEL  "tests/parity/fixtures/sd15/model" /* its text has 16 channels */
#define SOURCE "tests/parity/fixtures/prompts/embeddings"

enum { CHANNELS = 16 };

static char dir[1024];
static struct ltd_model *model;

static const char *path_of(const char *name)
{
    static char path[2048];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

/* A folder with the fixture's embeddings, and the model, which has not seen them. */
static bool begin(void)
{
    const bool good =
        model_copy_make(SOURCE, dir, sizeof dir) && ltd_model_open(MODEL, &model, NULL) == LTD_OK;

    CHECK(good);
    return good;
}

static void finish(void)
{
    ltd_model_close(model);
    model = NULL;
    model_copy_remove(dir);
}

static void write_embedding(const char *name, size_t vectors, size_t channels)
{
    float *values = calloc(vectors * channels, sizeof *values);
    const struct weight w = {.name = "emb_params",
                             .data = values,
                             .rank = 2,
                             .dim = {vectors, channels},
                             .count = vectors * channels};

    CHECK(values && write_safetensors(path_of(name), &w, 1));
    free(values);
}

/* The embedding of that name; its fields are zero when there is none.  The last one counts. */
static struct ltd_embedding find(const char *name)
{
    struct ltd_embedding found = {0};

    for (size_t i = 0; i < ltd_model_embedding_count(model); i++)
        if (strcmp(ltd_model_embedding(model, i).name, name) == 0)
            found = ltd_model_embedding(model, i);
    return found;
}

static void check_refused(const char *name, const char *why)
{
    const struct ltd_embedding found = find(name);

    if (!found.refused || found.vectors != 0 || !strstr(found.refused, why))
        check_failed(__FILE__, __LINE__, "%s: %s", name, found.refused ? found.refused : "is not refused");
}

TEST(good_files_have_their_names)
{
    if (!begin())
        return;
    CHECK(mkdir(path_of("more"), 0700) == 0 && mkdir(path_of(".hidden"), 0700) == 0);
    write_embedding("more/deep one.SAFETENSORS", 5, CHANNELS);
    write_embedding(".hidden/unseen.safetensors", 1, CHANNELS);
    CHECK(file_write(path_of("README.md"), "x", 1) && file_write(path_of("night.preview.png"), "x", 1));
    CHECK_INT(ltd_model_add_embeddings(model, dir, NULL), LTD_OK);
    CHECK_INT(ltd_model_embedding_count(model), 4);
    CHECK_INT(find("night").vectors, 2);
    CHECK_INT(find("style-x").vectors, 1);
    CHECK_INT(find("many").vectors, 12);
    CHECK_INT(find("deep one").vectors, 5);
    CHECK(!find("night").refused);
    finish();
}

TEST(bad_files_are_refused_by_name_and_the_others_are_read)
{
    if (!begin())
        return;
    CHECK(file_write(path_of("old.pt"), "x", 1) && file_write(path_of("older.bin"), "x", 1));
    CHECK(file_write(path_of("cut.safetensors"), "12345", 5));
    CHECK(file_write(path_of("\xff.safetensors"), "12345", 5));
    write_embedding("wide.safetensors", 1, 24);
    write_embedding("huge.safetensors", 76, CHANNELS);
    write_embedding("NIGHT.safetensors", 1, CHANNELS);
    write_embedding(" .safetensors", 1, CHANNELS);
    CHECK_INT(ltd_model_add_embeddings(model, dir, NULL), LTD_OK);
    check_refused("old", "pickle (.pt)");
    check_refused("older", "pickle (.bin)");
    check_refused("cut", "");
    check_refused("?", "UTF-8");
    check_refused("wide", "24 values");
    check_refused("huge", "76 vectors");
    check_refused("night", "\"NIGHT\"");
    check_refused(" ", "0 tokens");
    CHECK_INT(find("many").vectors, 12);
    finish();
}

TEST(a_converted_file_takes_the_place_of_its_pickle)
{
    if (!begin())
        return;
    CHECK(file_write(path_of("new.pt"), "x", 1));
    write_embedding("new.safetensors", 3, CHANNELS);
    CHECK_INT(ltd_model_add_embeddings(model, dir, NULL), LTD_OK);
    CHECK(find("new").vectors == 3 && !find("new").refused);
    finish();
}

TEST(a_folder_that_is_not_there_is_an_error)
{
    struct ltd_error err = {.message = ""};

    if (!begin())
        return;
    CHECK_INT(ltd_model_add_embeddings(model, "/no/such/folder", &err), LTD_ENOTFOUND);
    CHECK(strstr(err.message, "/no/such/folder"));
    CHECK_INT(ltd_model_add_embeddings(model, path_of("night.safetensors"), &err), LTD_ENOTFOUND);
    finish();
}

struct findings {
    int count;
    char message[512];
};

static void note(void *arg, bool warning, const char *field, const char *message)
{
    struct findings *f = arg;

    CHECK(warning);
    CHECK_STR(field, "prompt");
    f->count++;
    snprintf(f->message, sizeof f->message, "%s", message);
}

TEST(a_prompt_that_names_a_refused_one_is_told)
{
    struct ltd_gen_params p;
    struct findings f = {0};

    if (!begin())
        return;
    CHECK(file_write(path_of("old.pt"), "x", 1));
    CHECK_INT(ltd_model_add_embeddings(model, dir, NULL), LTD_OK);
    p = ltd_params_default(model);
    p.prompt = "night, many";
    CHECK(ltd_params_check(model, &p, note, &f) && f.count == 0);
    for (int profile = 0; profile < LTD_PROFILE_COUNT; profile++) {
        p.profile = (enum ltd_profile)profile;
        p.prompt = "an OLD house";
        f.count = 0;
        CHECK(ltd_params_check(model, &p, note, &f) && f.count == 1);
        CHECK(strstr(f.message, "\"old\"") && strstr(f.message, "pickle"));
    }
    finish();
}

static struct ltd_image *draw(const char *prompt)
{
    struct ltd_gen_params p = ltd_params_default(model);
    struct ltd_session *session = NULL;
    struct ltd_image *image = NULL;

    p.prompt = prompt;
    p.steps = 4;
    p.width = p.height = 32;
    CHECK(ltd_session_new(model, 1, &session, NULL) == LTD_OK);
    CHECK(ltd_session_generate(session, &p, 0, NULL, &image, NULL, NULL) == LTD_OK);
    ltd_session_free(session);
    return image;
}

/* Without the folder, its names are words like any others. */
TEST(a_name_changes_the_picture)
{
    struct ltd_image *word, *embedding;

    if (!begin())
        return;
    word = draw("a night");
    CHECK_INT(ltd_model_add_embeddings(model, dir, NULL), LTD_OK);
    embedding = draw("a night");
    CHECK(word && embedding && memcmp(word->pixels, embedding->pixels, 32 * 32 * 3) != 0);
    ltd_image_free(word);
    ltd_image_free(embedding);
    finish();
}
