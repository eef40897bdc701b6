/* test_config_reader.c - typed reading: defaults, ranges, and the first error kept. */
#include "base/config_reader.h"

#include <stdio.h>
#include <stdlib.h>

#include "check.h"

static struct ltd_json *json;
static struct ltd_error error;

/* A reader of this text; finish frees it. */
static struct config_reader begin(const char *text)
{
    struct config_reader r = {.file = "x.json", .err = &error};

    error = (struct ltd_error){0};
    json = NULL;
    if (ltd_json_parse(text, strlen(text), &ltd_json_file_limits, &json, &error) != LTD_OK)
        abort();
    r.json = json;
    return r;
}

static void finish(int line, const struct config_reader *r, enum ltd_status status, const char *message)
{
    if (r->status != status || strcmp(error.message, message) != 0)
        check_failed(__FILE__, line, "%s '%s', not '%s'", ltd_status_name(r->status), error.message, message);
    ltd_json_free(json);
}

TEST(present_values_are_read)
{
    struct config_reader r =
        begin("{\"n\":7,\"x\":-0.5,\"t\":true,\"s\":\"word\",\"list\":[1,2,3],\"flags\":[true,false]}");
    size_t list[4] = {0};
    bool flags[2] = {false, true};

    CHECK_INT(config_size(&r, "n", 1, 7, 7), 7);
    CHECK_NEAR(config_real(&r, "x", 1, -0.5, 3), -0.5, 0);
    CHECK(config_flag(&r, "t", false));
    CHECK_STR(config_text(&r, "s", "other"), "word");
    CHECK_INT(config_sizes(&r, "list", list, 4, 2, 9, 1, 3), 3);
    CHECK(list[0] == 1 && list[1] == 2 && list[2] == 3);
    config_flags(&r, "flags", flags, 2, false);
    CHECK(flags[0] && !flags[1]);
    CHECK(config_has(&r, "n") && !config_has(&r, "m"));
    finish(__LINE__, &r, LTD_OK, "");
}

TEST(absent_and_null_take_the_default)
{
    static const char *const texts[] = {
        "{}", "{\"n\":null,\"x\":null,\"t\":null,\"s\":null,\"list\":null,\"flags\":null}"};

    for (size_t i = 0; i < COUNT(texts); i++) {
        struct config_reader r = begin(texts[i]);
        size_t list[3] = {0};
        bool flags[2] = {false, false};

        CHECK_INT(config_size(&r, "n", 5, 1, 2), 5);
        CHECK_NEAR(config_real(&r, "x", 2.5, 0, 1), 2.5, 0);
        CHECK(config_flag(&r, "t", true));
        CHECK(config_text(&r, "s", NULL) == NULL);
        CHECK_INT(config_sizes(&r, "list", list, 3, 2, 4, 1, 9), 2);
        CHECK(list[0] == 4 && list[1] == 4 && list[2] == 0);
        config_flags(&r, "flags", flags, 2, true);
        CHECK(flags[0] && flags[1]);
        CHECK(!config_has(&r, "n"));
        config_refuse(&r, "s", NULL);
        finish(__LINE__, &r, LTD_OK, "");
    }
}

TEST(one_value_stands_for_a_list_of_equal_ones)
{
    struct config_reader r = begin("{\"list\":6,\"flags\":true}");
    size_t list[3] = {0};
    bool flags[3] = {false, false, false};

    CHECK_INT(config_sizes(&r, "list", list, 3, 3, 1, 1, 9), 3);
    CHECK(list[0] == 6 && list[1] == 6 && list[2] == 6);
    config_flags(&r, "flags", flags, 3, false);
    CHECK(flags[0] && flags[1] && flags[2]);
    finish(__LINE__, &r, LTD_OK, "");
}

/* Reads every key "v" as a kind, and expects a message. */
static void check_bad(int line, const char *value, char kind, const char *message)
{
    char text[64], want[128];
    struct config_reader r;
    size_t list[3];
    bool flags[2];

    snprintf(text, sizeof text, "{\"v\":%s}", value);
    snprintf(want, sizeof want, "x.json: %s", message);
    r = begin(text);
    if (kind == 'n')
        CHECK_INT(config_size(&r, "v", 5, 2, 9), 5);
    else if (kind == 'x')
        CHECK_NEAR(config_real(&r, "v", 0.25, 0, 1), 0.25, 0);
    else if (kind == 't')
        config_flag(&r, "v", false);
    else if (kind == 's')
        CHECK_STR(config_text(&r, "v", "d"), "d");
    else if (kind == 'l')
        config_sizes(&r, "v", list, COUNT(list), 2, 4, 2, 9);
    else
        config_flags(&r, "v", flags, COUNT(flags), false);
    finish(line, &r, LTD_EFORMAT, want);
}

TEST(values_of_another_type_or_range_are_refused_by_name)
{
    static const char integer[] = "v must be an integer of 2 to 9", real[] = "v must be a number of 0 to 1";
    static const char *const no_integer[] = {
        "1", "10", "-3", "2.5", "3e0", "\"3\"", "true", "[3]", "99999999999999999999"};
    static const char *const no_real[] = {"-0.1", "1.1", "1e999", "\"0.5\"", "false", "{}"};

    for (size_t i = 0; i < COUNT(no_integer); i++)
        check_bad(__LINE__, no_integer[i], 'n', integer);
    for (size_t i = 0; i < COUNT(no_real); i++)
        check_bad(__LINE__, no_real[i], 'x', real);
    check_bad(__LINE__, "1", 't', "v must be true or false");
    check_bad(__LINE__, "1", 's', "v must be a string");
    check_bad(__LINE__, "[2,10]", 'l', integer);
    check_bad(__LINE__, "[2,null]", 'l', integer);
    check_bad(__LINE__, "[]", 'l', "v must have 1 to 3 entries");
    check_bad(__LINE__, "[2,2,2,2]", 'l', "v must have 1 to 3 entries");
    check_bad(__LINE__, "\"2\"", 'l', integer);
    check_bad(__LINE__, "[true]", 'f', "v must have 2 entries");
    check_bad(__LINE__, "[true,true,true]", 'f', "v must have 2 entries");
    check_bad(__LINE__, "[true,1]", 'f', "v must hold true and false");
    check_bad(__LINE__, "0", 'f', "v must be true or false");
}

TEST(the_first_error_is_kept)
{
    struct config_reader r = begin("{\"a\":\"x\",\"b\":-1}");

    config_size(&r, "a", 1, 1, 4);
    config_size(&r, "b", 1, 1, 4);
    config_fail(&r, LTD_ENOMEM, "%s", "later");
    finish(__LINE__, &r, LTD_EFORMAT, "x.json: a must be an integer of 1 to 4");
}

TEST(what_is_not_supported_is_refused_with_its_value)
{
    static const struct {
        const char *value, *neutral, *message;
    } rows[] = {
        {"false", NULL, NULL},
        {"null", NULL, NULL},
        {"\"default\"", "default", NULL},
        {"\"other\"", "default", "x.json: v \"other\" is not supported"},
        {"\"default\"", NULL, "x.json: v \"default\" is not supported"},
        {"true", "default", "x.json: v true is not supported"},
        {"0", NULL, "x.json: v 0 is not supported"},
        {"[1,2]", NULL, "x.json: v [1,2] is not supported"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct config_reader r;
        char text[64];

        snprintf(text, sizeof text, "{\"v\":%s}", rows[i].value);
        r = begin(text);
        config_refuse(&r, "v", rows[i].neutral);
        finish(__LINE__, &r, rows[i].message ? LTD_EUNSUPPORTED : LTD_OK,
               rows[i].message ? rows[i].message : "");
    }
}

TEST(a_file_of_a_model_that_is_no_json_is_malformed)
{
    struct ltd_json *const untouched = (struct ltd_json *)&error;
    struct ltd_json *out = untouched;

    error = (struct ltd_error){0};
    CHECK_INT(config_read_file("meson.build", CONFIG_MAX_BYTES, &out, &error), LTD_EFORMAT);
    CHECK_INT(error.status, LTD_EFORMAT);
    CHECK(strncmp(error.message, "meson.build: ", 13) == 0);
    CHECK_INT(config_read_file("models/default/latentd.json", 10, &out, &error), LTD_EFORMAT);
    CHECK_INT(config_read_file("models/default", CONFIG_MAX_BYTES, &out, NULL), LTD_EFORMAT);
    CHECK_INT(config_read_file("models/none.json", CONFIG_MAX_BYTES, &out, &error), LTD_ENOTFOUND);
    CHECK(out == untouched);
    CHECK_INT(config_read_file("models/default/latentd.json", CONFIG_MAX_BYTES, &out, NULL), LTD_OK);
    CHECK(ltd_json_get(out, "steps") != NULL);
    ltd_json_free(out);
}
