/* test_error.c - messages that fit, and are cut between characters where they do not. */
#include <latentd/error.h>

#include "check.h"

TEST(status_and_message_are_kept)
{
    struct ltd_error err = {0};

    CHECK_INT(ltd_fail(&err, LTD_EFORMAT, "%s: %d", "x", 3), LTD_EFORMAT);
    CHECK_INT(err.status, LTD_EFORMAT);
    CHECK_STR(err.message, "x: 3");
    CHECK_INT(ltd_fail(NULL, LTD_EIO, "%s", "nobody reads this"), LTD_EIO);
}

TEST(a_long_message_is_cut_between_characters)
{
    static const char *const characters[] = {"a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x90\x85"};
    char text[2000];
    struct ltd_error err;

    for (size_t k = 0; k < COUNT(characters); k++)
        for (size_t before = 0; before < 8; before++) {
            const size_t width = strlen(characters[k]);
            size_t length;

            memset(text, 'x', before);
            for (length = before; length + width < sizeof text; length += width)
                memcpy(text + length, characters[k], width);
            text[length] = '\0';
            CHECK_INT(ltd_fail(&err, LTD_EIO, "%s", text), LTD_EIO);
            length = strlen(err.message);
            CHECK(length < sizeof err.message);
            /* At most one character that would have fitted is lost. */
            CHECK(length >= sizeof err.message - 1 - 4);
            CHECK(memcmp(err.message, text, length) == 0);
            CHECK_INT((length - before) % width, 0);
        }
}

TEST(a_message_that_just_fits_is_whole)
{
    char text[sizeof((struct ltd_error *)0)->message];
    struct ltd_error err;

    memset(text, 'y', sizeof text);
    memcpy(text + sizeof text - 3, "\xc3\xa9", 3);
    CHECK_INT(ltd_fail(&err, LTD_EIO, "%s", text), LTD_EIO);
    CHECK_STR(err.message, text);
}

TEST(every_status_has_a_name_of_its_own)
{
    static const enum ltd_status all[] = {
        LTD_OK,
#define STATUS(id, name, meaning) id,
#include <latentd/status.def>
#undef STATUS
    };

    for (size_t i = 0; i < COUNT(all); i++) {
        CHECK(strcmp(ltd_status_name(all[i]), "unknown") != 0);
        for (size_t k = 0; k < i; k++)
            CHECK(strcmp(ltd_status_name(all[i]), ltd_status_name(all[k])) != 0);
    }
    CHECK_STR(ltd_status_name(LTD_ENONFINITE), "non_finite");
    CHECK_STR(ltd_status_name((enum ltd_status)999), "unknown");
}
