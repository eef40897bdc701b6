#include "util/random_id.h"

#include "check.h"

TEST(ids_are_valid_and_different)
{
    char first[RANDOM_ID_SIZE], second[RANDOM_ID_SIZE];

    REQUIRE(random_id_make(first) && random_id_make(second));
    CHECK(random_id_is_valid(first));
    CHECK(strcmp(first, second) != 0);
}

TEST(only_32_lower_case_digits_are_an_id)
{
    CHECK(random_id_is_valid("0123456789abcdef0123456789abcdef"));
    CHECK(!random_id_is_valid("0123456789abcdef0123456789abcde"));
    CHECK(!random_id_is_valid("0123456789abcdef0123456789abcdef0"));
    CHECK(!random_id_is_valid("0123456789ABCDEF0123456789abcdef"));
    CHECK(!random_id_is_valid("0123456789abcdef0123456789abcdeg"));
    CHECK(!random_id_is_valid(""));
}

TEST(drawn_numbers_differ)
{
    uint32_t numbers[4];

    for (size_t i = 0; i < COUNT(numbers); i++)
        REQUIRE(random_u32(&numbers[i]));
    CHECK(numbers[0] != numbers[1] || numbers[1] != numbers[2] || numbers[2] != numbers[3]);
}
