#include "jobs/model_digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static char folder[64];

static void write_file(const char *name, const char *text)
{
    char path[160];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "w");
    REQUIRE(file);
    fputs(text, file);
    fclose(file);
}

static void make_folder(const char *name)
{
    char path[160];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    CHECK_INT(mkdir(path, 0700), 0);
}

/* Waits for a digest up to ten seconds; "" when it does not come. */
static const char *digest_of(const char *path)
{
    static char text[SHA256_TEXT_SIZE];
    const struct timespec pause = {.tv_nsec = 5000000};
    struct model_set models = {0};
    struct model_digests *digests = NULL;
    bool known = false;

    text[0] = '\0';
    if (model_set_open(&models, "m", path, NULL) != LTD_OK ||
        model_digests_start(&models, &digests, NULL) != LTD_OK)
        return text;
    for (int i = 0; i < 2000 && !known; i++) {
        known = model_digest_get(digests, 0, text);
        nanosleep(&pause, NULL);
    }
    model_digests_stop(digests);
    model_set_fini(&models);
    return text;
}

TEST(a_folder_is_its_weight_files_in_order)
{
    char expected[SHA256_TEXT_SIZE], command[160];

    strcpy(folder, "/tmp/latentd-digest-XXXXXX");
    REQUIRE(mkdtemp(folder));
    make_folder("text_encoder");
    make_folder("unet");
    make_folder("vae");
    write_file("text_encoder/model.safetensors", "one");
    write_file("unet/b.safetensors", "three");
    write_file("unet/a.safetensors", "two");
    write_file("unet/config.json", "not this");
    write_file("unet/.safetensors", "nor this");
    write_file("vae/v.safetensors", "four");
    write_file("whole.safetensors", "onetwothreefour");
    sha256_text("onetwothreefour", 15, expected);
    CHECK_STR(digest_of(folder), expected);
    snprintf(command, sizeof command, "%s/whole.safetensors", folder);
    CHECK_STR(digest_of(command), expected);
    make_folder("text_encoder_2");
    write_file("text_encoder_2/model.safetensors", "one and a half");
    sha256_text("oneone and a halftwothreefour", 29, expected);
    CHECK_STR(digest_of(folder), expected);
    snprintf(command, sizeof command, "rm -r %s", folder);
    CHECK_INT(system(command), 0);
}

TEST(what_was_written_to_since_has_another_digest_when_it_is_read_again)
{
    static const atomic_bool never = false;
    const atomic_bool canceled = true;
    struct model_set models = {0};
    struct model_digests *digests = NULL;
    char path[160], text[SHA256_TEXT_SIZE], expected[SHA256_TEXT_SIZE];

    strcpy(folder, "/tmp/latentd-digest-XXXXXX");
    REQUIRE(mkdtemp(folder));
    write_file("a.safetensors", "one");
    snprintf(path, sizeof path, "%s/a.safetensors", folder);
    REQUIRE(model_set_open(&models, "m", path, NULL) == LTD_OK);
    REQUIRE(model_digests_start(&models, &digests, NULL) == LTD_OK);
    sha256_text("one", 3, expected);
    CHECK(model_digest_wait(digests, 0, &never, text));
    CHECK_STR(text, expected);
    write_file("a.safetensors", "other");
    CHECK(model_digest_wait(digests, 0, &never, text));
    CHECK_STR(text, expected);
    model_digests_want(digests, 0);
    sha256_text("other", 5, expected);
    CHECK(model_digest_wait(digests, 0, &never, text));
    CHECK_STR(text, expected);
    remove(path);
    model_digests_want(digests, 0);
    CHECK(!model_digest_wait(digests, 0, &canceled, text));
    CHECK(!model_digest_wait(digests, 0, &never, text));
    model_digests_stop(digests);
    model_set_fini(&models);
    rmdir(folder);
}

TEST(what_cannot_be_read_is_never_known)
{
    struct model_set models = {0};
    struct model_digests *digests = NULL;
    char text[SHA256_TEXT_SIZE];

    REQUIRE(model_set_open(&models, "m", "/nowhere", NULL) == LTD_OK);
    CHECK(!model_digest_get(NULL, 0, text));
    REQUIRE(model_digests_start(&models, &digests, NULL) == LTD_OK);
    usleep(50000);
    CHECK(!model_digest_get(digests, 0, text));
    model_digests_stop(digests);
    model_digests_stop(NULL);
    model_set_fini(&models);
}
