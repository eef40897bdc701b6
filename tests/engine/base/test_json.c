/* test_json.c - the tree, exact numbers, and what is printed. */
#include <latentd/json.h>

#include <float.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"

static struct ltd_json *parse(const char *text)
{
    struct ltd_json *root = NULL;
    struct ltd_error err = {0};

    if (ltd_json_parse(text, strlen(text), &ltd_json_request_limits, &root, &err) != LTD_OK)
        check_failed(__FILE__, __LINE__, "'%.80s' is refused: %s", text, err.message);
    return root;
}

TEST(values_read_back)
{
    struct ltd_json *root =
        parse(" {\"a\" : [1, -2.5e1,\ttrue,false,null,\"x\"],\r\n\"b\":{}, \"\":\"empty key\"} ");
    const struct ltd_json *a = ltd_json_get(root, "a"), *item = ltd_json_first(a);

    REQUIRE(root);
    CHECK_INT(ltd_json_type(root), LTD_JSON_OBJECT);
    CHECK_INT(ltd_json_size(root), 3);
    CHECK_INT(ltd_json_type(a), LTD_JSON_ARRAY);
    CHECK_INT(ltd_json_size(a), 6);
    CHECK_STR(ltd_json_key(a), "a");
    CHECK(ltd_json_number(item) == 1);
    item = ltd_json_next(item);
    CHECK(ltd_json_number(item) == -25);
    CHECK(!ltd_json_key(item) && !ltd_json_string(item) && !ltd_json_bool(item));
    item = ltd_json_next(item);
    CHECK_INT(ltd_json_type(item), LTD_JSON_BOOL);
    CHECK(ltd_json_bool(item));
    item = ltd_json_next(item);
    CHECK_INT(ltd_json_type(item), LTD_JSON_BOOL);
    CHECK(!ltd_json_bool(item));
    item = ltd_json_next(item);
    CHECK_INT(ltd_json_type(item), LTD_JSON_NULL);
    item = ltd_json_next(item);
    CHECK_STR(ltd_json_string(item), "x");
    CHECK(!ltd_json_next(item));
    CHECK_INT(ltd_json_size(ltd_json_get(root, "b")), 0);
    CHECK_STR(ltd_json_string(ltd_json_get(root, "")), "empty key");
    ltd_json_free(root);
}

TEST(scalars_are_documents)
{
    static const struct {
        const char *text;
        enum ltd_json_type type;
    } rows[] = {{"null", LTD_JSON_NULL}, {"true", LTD_JSON_BOOL},   {" false\n", LTD_JSON_BOOL},
                {"0", LTD_JSON_NUMBER},  {"\"\"", LTD_JSON_STRING}, {"[]", LTD_JSON_ARRAY},
                {"{}", LTD_JSON_OBJECT}, {"[ ]", LTD_JSON_ARRAY},   {"{ }", LTD_JSON_OBJECT}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ltd_json *root = parse(rows[i].text);

        CHECK_INT(ltd_json_type(root), rows[i].type);
        ltd_json_free(root);
    }
}

TEST(missing_values_read_as_nothing)
{
    struct ltd_json *root = parse("{\"Width\":1,\"width \":2}");
    uint64_t u = 7;
    int64_t i = 7;

    CHECK(!ltd_json_get(root, "width"));
    CHECK(!ltd_json_get(root, "WIDTH"));
    CHECK(!ltd_json_get(NULL, "x"));
    CHECK(!ltd_json_get(ltd_json_get(root, "Width"), "x"));
    CHECK_INT(ltd_json_type(NULL), LTD_JSON_NULL);
    CHECK_INT(ltd_json_size(NULL), 0);
    CHECK(!ltd_json_first(NULL) && !ltd_json_next(NULL) && !ltd_json_next(root));
    CHECK(!ltd_json_key(NULL) && !ltd_json_string(NULL) && !ltd_json_bool(NULL));
    CHECK(ltd_json_number(NULL) == 0);
    CHECK(!ltd_json_uint64(NULL, &u) && !ltd_json_int64(NULL, &i));
    CHECK(u == 7 && i == 7);
    CHECK(!ltd_json_print(NULL, false));
    ltd_json_free(root);
    ltd_json_free(NULL);
}

TEST(numbers_read_as_the_nearest_finite_double)
{
    static const struct {
        const char *text;
        double want;
    } rows[] = {{"0", 0},
                {"-0", -0.0},
                {"-0.0", -0.0},
                {"1e-400", 0},
                {"-1e-400", -0.0},
                {"1e400", DBL_MAX},
                {"-1e400", -DBL_MAX},
                {"1.7976931348623157e308", DBL_MAX},
                {"4.9e-324", 4.9406564584124654e-324},
                {"0.1", 0.1},
                {"1E+2", 100},
                {"1e02", 100},
                {"123456789.125", 123456789.125},
                {"0.000000000000000000000000000000000000000000000000000000000000000000000000000001", 1e-78},
                {"9007199254740993", 9007199254740992.0}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ltd_json *root = parse(rows[i].text);
        const double got = ltd_json_number(root);

        if (got != rows[i].want || signbit(got) != signbit(rows[i].want))
            check_failed(__FILE__, __LINE__, "%s reads as %.17g", rows[i].text, got);
        ltd_json_free(root);
    }
}

TEST(integers_of_any_length_are_numbers)
{
    char text[401];
    struct ltd_json *root;
    uint64_t u;
    int64_t i;

    memset(text, '9', 400);
    text[400] = '\0';
    root = parse(text);
    CHECK_INT(ltd_json_type(root), LTD_JSON_NUMBER);
    CHECK(ltd_json_number(root) == DBL_MAX);
    CHECK(!ltd_json_uint64(root, &u) && !ltd_json_int64(root, &i));
    ltd_json_free(root);
}

TEST(integers_are_exact_or_refused)
{
    static const struct {
        const char *text;
        bool is_u, is_i;
        uint64_t u;
        int64_t i;
    } rows[] = {{"0", true, true, 0, 0},
                {"-0", true, true, 0, 0},
                {"42", true, true, 42, 42},
                {"-1", false, true, 0, -1},
                {"-2", false, true, 0, -2},
                {"9007199254740991", true, true, 9007199254740991u, 9007199254740991},
                {"9007199254740993", true, true, 9007199254740993u, 9007199254740993},
                {"9223372036854775807", true, true, 9223372036854775807u, INT64_MAX},
                {"9223372036854775808", true, false, 9223372036854775808u, 0},
                {"-9223372036854775808", false, true, 0, INT64_MIN},
                {"-9223372036854775809", false, false, 0, 0},
                {"18446744073709551615", true, false, UINT64_MAX, 0},
                {"18446744073709551616", false, false, 0, 0},
                {"-18446744073709551615", false, false, 0, 0},
                {"1.0", false, false, 0, 0},
                {"1e3", false, false, 0, 0},
                {"1E0", false, false, 0, 0},
                {"0.5", false, false, 0, 0},
                {"1e400", false, false, 0, 0},
                {"\"18446744073709551615\"", false, false, 0, 0},
                {"true", false, false, 0, 0},
                {"null", false, false, 0, 0},
                {"[1]", false, false, 0, 0}};

    for (size_t n = 0; n < COUNT(rows); n++) {
        struct ltd_json *root = parse(rows[n].text);
        uint64_t u = 77;
        int64_t i = 77;

        if (ltd_json_uint64(root, &u) != rows[n].is_u || u != (rows[n].is_u ? rows[n].u : 77))
            check_failed(__FILE__, __LINE__, "%s as uint64", rows[n].text);
        if (ltd_json_int64(root, &i) != rows[n].is_i || i != (rows[n].is_i ? rows[n].i : 77))
            check_failed(__FILE__, __LINE__, "%s as int64", rows[n].text);
        ltd_json_free(root);
    }
}

static void check_prints(int line, struct ltd_json *value, const char *want)
{
    char *got = ltd_json_print(value, false);

    if (!got || strcmp(got, want) != 0)
        check_failed(__FILE__, line, "printed %s, not %s", got ? got : "nothing", want);
    free(got);
    ltd_json_free(value);
}

TEST(doubles_print_in_their_shortest_form)
{
    static const struct {
        double number;
        const char *want;
    } rows[] = {{0, "0"},
                {-0.0, "-0"},
                {500, "500"},
                {-1048576, "-1048576"},
                {1e14, "100000000000000"},
                {9007199254740992.0, "9007199254740992"},
                {0.1, "0.1"},
                {7.5, "7.5"},
                {0.1 + 0.2, "0.30000000000000004"},
                {1.0 / 3, "0.3333333333333333"},
                {1e300, "1e+300"},
                {5e-324, "5e-324"},
                {DBL_MAX, "1.7976931348623157e+308"},
                {1e-7, "1e-07"},
                {123456.789, "123456.789"},
                {INFINITY, "null"},
                {-INFINITY, "null"},
                {NAN, "null"}};

    for (size_t i = 0; i < COUNT(rows); i++)
        check_prints(__LINE__, ltd_json_new_number(rows[i].number), rows[i].want);
}

TEST(integers_print_with_all_their_digits)
{
    check_prints(__LINE__, ltd_json_new_uint64(0), "0");
    check_prints(__LINE__, ltd_json_new_uint64(9007199254740993u), "9007199254740993");
    check_prints(__LINE__, ltd_json_new_uint64(UINT64_MAX), "18446744073709551615");
    check_prints(__LINE__, parse("[18446744073709551615,1.0,1e3,-0,1E400]"),
                 "[18446744073709551615,1.0,1e3,-0,1E400]");
}

TEST(what_is_printed_parses_to_the_same)
{
    static const char *const texts[] = {
        "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7F\xC3\xA9\xF0\x9F\x98\x80\"", "[[],{},[[]],{\"a\":{}}]",
        "{\"\\n\\\"\":null,\"b\":[true,false,1,-2.5e-3]}"};

    for (size_t i = 0; i < COUNT(texts); i++)
        for (int indented = 0; indented <= 1; indented++) {
            struct ltd_json *root = parse(texts[i]), *again;
            char *first = ltd_json_print(root, indented), *second;

            REQUIRE(first);
            again = parse(first);
            second = ltd_json_print(again, indented);
            CHECK_STR(second, first);
            CHECK((strchr(first, '\n') != NULL) == (indented && i > 0));
            ltd_json_free(root);
            ltd_json_free(again);
            free(first);
            free(second);
        }
}

TEST(built_documents_print)
{
    struct ltd_json *root = ltd_json_new_object(), *array = ltd_json_new_array();

    ltd_json_append(array, ltd_json_new_bool(true));
    ltd_json_append(array, ltd_json_new_bool(false));
    ltd_json_append(array, ltd_json_new_null());
    ltd_json_append(array, ltd_json_new_string("a\"\n\xC3\xA9"));
    ltd_json_add(root, "list", array);
    ltd_json_add(root, "k\"", ltd_json_new_number(0.5));
    CHECK_INT(ltd_json_size(root), 2);
    CHECK(ltd_json_number(ltd_json_get(root, "k\"")) == 0.5);
    check_prints(__LINE__, root, "{\"list\":[true,false,null,\"a\\\"\\n\xC3\xA9\"],\"k\\\"\":0.5}");
}

TEST(copies_live_on_their_own)
{
    static const char text[] = "{\"a\":[1.50,{\"b\":null}],\"c\":\"d\"}";
    struct ltd_json *json = NULL, *copy, *member, *other = ltd_json_new_object();
    char *printed;

    REQUIRE(ltd_json_parse(text, strlen(text), &ltd_json_request_limits, &json, NULL) == LTD_OK);
    copy = ltd_json_copy(json);
    member = ltd_json_copy(ltd_json_get(json, "a"));
    CHECK(!ltd_json_key(member));
    ltd_json_free(json);
    ltd_json_add(other, "z", member);
    ltd_json_add(copy, "other", other);
    printed = ltd_json_print(copy, false);
    CHECK_STR(printed, "{\"a\":[1.50,{\"b\":null}],\"c\":\"d\",\"other\":{\"z\":[1.50,{\"b\":null}]}}");
    free(printed);
    ltd_json_free(copy);
}

TEST(strings_that_are_not_utf8_are_mended)
{
    struct ltd_json *root = ltd_json_new_object();

    ltd_json_add(root, "\xFF", ltd_json_new_string("a\xC3\xA9\xC3 \xED\xA0\x80\xF0\x9F\x98\x80\xE2\x82"));
    check_prints(__LINE__, root,
                 "{\"\xEF\xBF\xBD\":\"a\xC3\xA9\xEF\xBF\xBD \xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"
                 "\xF0\x9F\x98\x80\xEF\xBF\xBD\xEF\xBF\xBD\"}");
}

TEST(a_failed_add_makes_the_print_fail)
{
    struct ltd_json *root = ltd_json_new_object(), *array = ltd_json_new_array();

    ltd_json_append(array, ltd_json_new_uint64(1));
    ltd_json_append(array, NULL);
    ltd_json_append(array, ltd_json_new_uint64(2));
    ltd_json_add(root, "a", array);
    ltd_json_add(root, "b", ltd_json_new_uint64(3));
    CHECK(!ltd_json_print(root, false));
    CHECK(!ltd_json_print(root, true));
    ltd_json_free(root);
    root = ltd_json_new_object();
    ltd_json_add(root, "a", NULL);
    CHECK(!ltd_json_print(root, false));
    ltd_json_free(root);
    ltd_json_add(NULL, "a", ltd_json_new_null()); /* freed: the leak check is the judge */
    ltd_json_append(NULL, ltd_json_new_null());
}

TEST(type_names_are_words)
{
    CHECK_STR(ltd_json_type_name(LTD_JSON_ARRAY), "an array");
    CHECK_STR(ltd_json_type_name(LTD_JSON_NUMBER), "a number");
}

static void *parse_many_times(void *failures)
{
    for (int i = 0; i < 2000; i++) {
        struct ltd_json *root = NULL;
        struct ltd_error err;
        char text[64], *printed;

        snprintf(text, sizeof text, "{\"i\":%d,\"s\":\"\\u00e9\",\"a\":[1.5,{}]}", i);
        if (ltd_json_parse(text, strlen(text), &ltd_json_request_limits, &root, &err) != LTD_OK ||
            ltd_json_number(ltd_json_get(root, "i")) != i || !(printed = ltd_json_print(root, false))) {
            ++*(int *)failures;
        } else {
            if (strlen(printed) != strlen(text) - 4)
                ++*(int *)failures;
            free(printed);
        }
        ltd_json_free(root);
        if (ltd_json_parse(text, strlen(text) - 1, &ltd_json_request_limits, &root, &err) != LTD_ESYNTAX)
            ++*(int *)failures;
    }
    return NULL;
}

TEST(threads_parse_side_by_side)
{
    pthread_t threads[4];
    int failures[4] = {0};

    for (int i = 0; i < 4; i++)
        REQUIRE(pthread_create(&threads[i], NULL, parse_many_times, &failures[i]) == 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        CHECK_INT(failures[i], 0);
    }
}
