#include "util/base64.h"

#include "check.h"

#include <stdlib.h>

static bool decodes(const char *text, const char *want)
{
    uint8_t out[64];
    size_t size = 0;

    return base64_decode(text, strlen(text), out, &size) && size == strlen(want) &&
           memcmp(out, want, size) == 0;
}

static bool refuses(const char *text)
{
    uint8_t out[64];
    size_t size = 77;

    return !base64_decode(text, strlen(text), out, &size) && size == 77;
}

TEST(base64_agrees_with_the_vectors_of_rfc_4648)
{
    static const char *const vectors[][2] = {{"", ""},
                                             {"f", "Zg=="},
                                             {"fo", "Zm8="},
                                             {"foo", "Zm9v"},
                                             {"foob", "Zm9vYg=="},
                                             {"fooba", "Zm9vYmE="},
                                             {"foobar", "Zm9vYmFy"}};

    for (size_t i = 0; i < COUNT(vectors); i++) {
        char *text = base64_encode_new(vectors[i][0], strlen(vectors[i][0]));

        CHECK_STR(text, vectors[i][1]);
        CHECK(decodes(vectors[i][1], vectors[i][0]));
        free(text);
    }
}

TEST(every_byte_survives_the_way_there_and_back)
{
    uint8_t bytes[259], back[261];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 167 + 13);
    for (size_t size = 0; size <= sizeof bytes; size++) {
        char *text = base64_encode_new(bytes, size);
        size_t got = 0;

        REQUIRE(text);
        CHECK_INT(strlen(text), base64_encoded_size(size));
        CHECK(base64_decoded_bound(strlen(text)) <= sizeof back);
        CHECK(base64_decode(text, strlen(text), back, &got));
        CHECK_INT(got, size);
        CHECK(memcmp(bytes, back, size) == 0);
        free(text);
    }
}

TEST(text_that_is_not_strict_base64_is_refused)
{
    static const char *const wrong[] = {
        "Zg",     "Zg=",     "Z",        "Zg===", "====",
        "=",      "Z===",    "Zg==Zg==", "Zm=v",  "=m9v",
        "Zm9v\n", "Zm 9",    " Zm9v",    "Zm-_",  "Zh==",
        "Zm9=",   "Zm9\xC3", "Zm9v====", "Zm9vZ", "data:image/png;base64,Zm9v",
    };

    for (size_t i = 0; i < COUNT(wrong); i++)
        if (!refuses(wrong[i]))
            check_failed(__FILE__, __LINE__, "\"%s\" was decoded", wrong[i]);
}

TEST(an_end_of_text_inside_is_refused)
{
    uint8_t out[8];
    size_t size;

    CHECK(!base64_decode("Zm\0v", 4, out, &size));
}

TEST(bytes_beyond_the_length_are_not_read)
{
    uint8_t out[8];
    size_t size;

    for (size_t length = 5; length < 8; length++)
        CHECK(!base64_decode("Zm9vZm9v", length, out, &size));
}

TEST(a_size_that_does_not_fit_is_told)
{
    CHECK(base64_encoded_size(SIZE_MAX) == SIZE_MAX);
    CHECK(!base64_encode_new("", SIZE_MAX));
}

TEST(the_data_urls_of_pictures_that_can_be_read_are_skipped)
{
    CHECK_STR(base64_skip_data_url("data:image/png;base64,Zg=="), "Zg==");
    CHECK_STR(base64_skip_data_url("DATA:image/PNG;base64,Zg=="), "Zg==");
    CHECK_STR(base64_skip_data_url("Zg=="), "Zg==");
    CHECK_STR(base64_skip_data_url("data:image/jpeg;base64,Zg=="), "Zg==");
    CHECK_STR(base64_skip_data_url("data:image/webp;base64,Zg=="), "Zg==");
    CHECK(!base64_skip_data_url("data:image/gif;base64,Zg=="));
    CHECK(!base64_skip_data_url("data:image/png,Zg=="));
}
