#include "util/model_path.h"

#include "check.h"

TEST(a_name_before_the_path_is_split_off)
{
    static const char *const rows[][3] = {
        {"sd15=/models/a", "sd15", "/models/a"},
        {"/models/sd-1.5", "sd-1.5", "/models/sd-1.5"},
        {"./models/default/", "default", "./models/default/"},
        {"a b", "a-b", "a b"},
        {"/odd=path", "odd-path", "/odd=path"},
        {"m=x=y", "m", "x=y"},
        {"/", "-", "/"},
        {"/models/v1-5.safetensors", "v1-5", "/models/v1-5.safetensors"},
        {"/models/v1-5.gguf", "v1-5", "/models/v1-5.gguf"},
        {".safetensors", ".safetensors", ".safetensors"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        char name[MODEL_NAME_SIZE];
        const char *path;

        CHECK(!model_entry_split(rows[i][0], name, &path));
        CHECK_STR(name, rows[i][1]);
        CHECK_STR(path, rows[i][2]);
    }
}

TEST(an_entry_without_a_path_or_with_a_bad_name_is_refused)
{
    char name[MODEL_NAME_SIZE], longest[80];
    const char *path;

    CHECK(model_entry_split("", name, &path));
    CHECK(model_entry_split("name=", name, &path));
    CHECK(model_entry_split("=path", name, &path));
    memset(longest, 'a', sizeof longest);
    memcpy(longest + 64, "=p", 3);
    CHECK(!model_entry_split(longest, name, &path));
    CHECK_INT(strlen(name), 64);
    memcpy(longest + 64, "a=p", 4);
    CHECK(model_entry_split(longest, name, &path));
}

TEST(a_path_with_a_long_last_folder_gets_a_cut_name)
{
    char name[MODEL_NAME_SIZE], longest[200];
    const char *path;

    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    CHECK(!model_entry_split(longest, name, &path));
    CHECK_INT(strlen(name), 64);
}

TEST(the_default_model_is_looked_for_in_three_places_nearest_first)
{
    CHECK_STR(model_path_candidate(0), "./models/default");
    CHECK(model_path_candidate(2) != NULL);
    CHECK(model_path_candidate(3) == NULL);
    CHECK_STR(model_path_default(), "./models/default"); /* tests run in the source tree */
}
