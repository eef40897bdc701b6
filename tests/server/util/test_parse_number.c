#include "util/parse_number.h"

#include "check.h"

TEST(whole_numbers_are_read_to_their_ends)
{
    int64_t i;
    uint64_t u;

    CHECK(parse_int64("-9223372036854775808", &i) && i == INT64_MIN);
    CHECK(parse_int64("9223372036854775807", &i) && i == INT64_MAX);
    CHECK(parse_int64("007", &i) && i == 7);
    CHECK(parse_uint64("18446744073709551615", &u) && u == UINT64_MAX);
    CHECK(parse_uint64("0", &u) && u == 0);
}

TEST(text_around_or_beyond_a_number_is_refused)
{
    static const char *const wrong[] = {
        "", " 1", "1 ", "+1", "--1", "-", "1.0", "1e3", "0x10", "1_0", "a", "1a", "9223372036854775808"};
    static const char *const wrong_unsigned[] = {
        "", "-1", "-0", "+1", "18446744073709551616", "1.", " 1", "99999999999999999999999"};
    int64_t i = 77;
    uint64_t u = 77;

    for (size_t n = 0; n < COUNT(wrong); n++)
        if (parse_int64(wrong[n], &i))
            check_failed(__FILE__, __LINE__, "\"%s\" was read", wrong[n]);
    for (size_t n = 0; n < COUNT(wrong_unsigned); n++)
        if (parse_uint64(wrong_unsigned[n], &u))
            check_failed(__FILE__, __LINE__, "\"%s\" was read", wrong_unsigned[n]);
    CHECK_INT(i, 77);
    CHECK_INT(u, 77);
}

TEST(reals_are_decimal_and_finite)
{
    static const char *const wrong[] = {"",    ".",   "-",     "e5",    " 1",  "1 ",   "+1",
                                        "inf", "nan", "0x1p3", "1e999", "1,5", "1.5.2"};
    double real = 77;

    for (size_t n = 0; n < COUNT(wrong); n++)
        if (parse_real(wrong[n], &real))
            check_failed(__FILE__, __LINE__, "\"%s\" was read", wrong[n]);
    CHECK_NEAR(real, 77, 0);
    CHECK(parse_real("7.5", &real));
    CHECK_NEAR(real, 7.5, 0);
    CHECK(parse_real("-1e-2", &real));
    CHECK_NEAR(real, -0.01, 0);
}

TEST(sizes_take_binary_units)
{
    static const char *const wrong[] = {"",    "-1",    "64MB",  "64 MiB",        "1.5GiB",
                                        "MiB", "64mib", "1KiBx", "99999999999GiB"};
    size_t size = 77;

    for (size_t n = 0; n < COUNT(wrong); n++)
        if (parse_size(wrong[n], &size))
            check_failed(__FILE__, __LINE__, "\"%s\" was read", wrong[n]);
    CHECK_INT(size, 77);
    CHECK(parse_size("65536", &size) && size == 65536);
    CHECK(parse_size("64KiB", &size) && size == 65536);
    CHECK(parse_size("3MiB", &size) && size == 3u << 20);
    CHECK(parse_size("2GiB", &size) && size == (size_t)2 << 30);
}
