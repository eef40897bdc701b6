/* test_model_dir.c - what of a folder is a model, and by which name. */
#include "jobs/model_dir.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "model_copy.h"

static char dir[64];
static struct model_set set;

static bool begin(void)
{
    set = (struct model_set){0};
    snprintf(dir, sizeof dir, "%s", "/tmp/latentd-models-XXXXXX");
    return mkdtemp(dir) != NULL;
}

static void end(void)
{
    model_set_fini(&set);
    model_copy_remove(dir);
}

static bool put(const char *name)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return name[strlen(name) - 1] == '/' ? mkdir(path, 0700) == 0 : file_write(path, "", 0);
}

TEST(folders_and_files_become_models_by_their_names)
{
    static const char *const there[] = {
        "b.safetensors",
        "a.GGUF",
        "d/",
        "d/model_index.json",
        "d/unet/",
        "d/unet/x.safetensors",
        "e/",
        "e/f/",
        "e/f/g.gguf",
        "old.ckpt",
        "notes.txt",
        ".hidden.gguf",
        "odd name\n.safetensors",
    };
    static const char *const wanted[] = {"a", "b", "d", "g", "odd-name-"};
    struct ltd_error error;

    REQUIRE(begin());
    for (size_t i = 0; i < COUNT(there); i++)
        CHECK(put(there[i]));
    CHECK(model_dir_add(&set, dir, &error) == LTD_OK);
    CHECK_INT(set.count, COUNT(wanted));
    for (size_t i = 0; i < COUNT(wanted) && i < set.count; i++)
        CHECK_STR(set.items[i].name, wanted[i]);
    end();
}

TEST(a_name_that_is_taken_is_left_to_who_has_it)
{
    struct ltd_error error;
    char path[128];

    REQUIRE(begin());
    CHECK(put("x y.gguf") && put("x-y.gguf") && put("z.gguf"));
    REQUIRE(model_set_add(&set, "z", "elsewhere", &error) == LTD_OK);
    CHECK(model_dir_add(&set, dir, &error) == LTD_OK);
    CHECK_INT(set.count, 2);
    CHECK_STR(set.items[0].path, "elsewhere");
    snprintf(path, sizeof path, "%s/x y.gguf", dir);
    CHECK_STR(set.items[1].path, path);
    end();
}

TEST(a_folder_that_is_not_there_is_an_error_and_links_lead_to_no_folders)
{
    struct ltd_error error;
    char path[128];

    REQUIRE(begin());
    snprintf(path, sizeof path, "%s/loop", dir);
    CHECK(symlink(dir, path) == 0);
    snprintf(path, sizeof path, "%s/gone.gguf", dir);
    CHECK(symlink("/nowhere/at/all", path) == 0);
    CHECK(model_dir_add(&set, dir, &error) == LTD_OK);
    CHECK_INT(set.count, 0);
    snprintf(path, sizeof path, "%s/none", dir);
    CHECK(model_dir_add(&set, path, &error) == LTD_ENOTFOUND && strstr(error.message, "folder of models"));
    end();
}
