/* test_json_parse.c - what the strict scanner takes and refuses, and at what cost. */
#include <float.h>
#include <latentd/json.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"

/* Parses from a heap copy of exactly size bytes, so that the address sanitizer sees a read past the end. */
static enum ltd_status parse_bytes(const char *text, size_t size, const struct ltd_json_limits *limits,
                                   struct ltd_json **out, struct ltd_error *err)
{
    char *copy = malloc(size > 0 ? size : 1);
    enum ltd_status status = LTD_ENOMEM;

    if (copy) {
        memcpy(copy, text, size);
        status = ltd_json_parse(copy, size, limits, out, err);
        free(copy);
    }
    return status;
}

static struct ltd_json *parse(const char *text)
{
    struct ltd_json *root = NULL;
    struct ltd_error err = {0};

    if (parse_bytes(text, strlen(text), &ltd_json_request_limits, &root, &err) != LTD_OK)
        check_failed(__FILE__, __LINE__, "'%.80s' is refused: %s", text, err.message);
    return root;
}

static void check_refused(int line, const char *text, size_t size, enum ltd_status want, const char *message)
{
    struct ltd_json *const untouched = (struct ltd_json *)&want;
    struct ltd_json *root = untouched;
    struct ltd_error err = {0};
    const enum ltd_status got = parse_bytes(text, size, &ltd_json_request_limits, &root, &err);

    if (got != want || err.status != want)
        check_failed(__FILE__, line, "'%.80s': %s, not %s", text, ltd_status_name(got),
                     ltd_status_name(want));
    else if (!strstr(err.message, message))
        check_failed(__FILE__, line, "'%.80s': the message is '%s', without '%s'", text, err.message,
                     message);
    if (root != untouched)
        check_failed(__FILE__, line, "'%.80s': the out-parameter was written", text);
    if (got == LTD_OK)
        ltd_json_free(root);
}

#define CHECK_REFUSED(text, message) check_refused(__LINE__, text, strlen(text), LTD_ESYNTAX, message)

/* text, count times, between head and tail; the caller frees it. */
static char *repeat(const char *head, const char *text, size_t count, const char *tail)
{
    const size_t length = strlen(text);
    char *all = malloc(strlen(head) + length * count + strlen(tail) + 1);
    char *at = all;

    if (!all)
        abort();
    at = stpcpy(at, head);
    for (size_t i = 0; i < count; i++)
        at = mempcpy(at, text, length);
    stpcpy(at, tail);
    return all;
}

/* {"key0":0,"key1":1,...}; the caller frees it. */
static char *numbered_keys(size_t count)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);

    if (!stream)
        abort();
    for (size_t i = 0; i < count; i++)
        fprintf(stream, "%s\"key%zu\":%zu", i == 0 ? "{" : ",", i, i);
    fputc('}', stream);
    if (fclose(stream) != 0)
        abort();
    return text;
}

/* The largest resident set that this process had, in KiB. */
static long peak_kib(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long kib = -1;

    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    if (file)
        fclose(file);
    return kib;
}

/* Stands first, while the peak is still low. */
TEST(a_body_with_too_many_values_costs_no_memory)
{
    char *array = repeat("[", "0,", 500000, "0]");
    char *arrays = repeat("[", "[],", 500000, "0]");
    const long before = peak_kib();
#ifdef __SANITIZE_ADDRESS__
    const long bound_kib = 8192; /* red zones, and freed blocks kept in quarantine */
#else
    const long bound_kib = 1024;
#endif

    CHECK(before > 0);
    check_refused(__LINE__, array, strlen(array), LTD_ETOOBIG, "more than 4096 values");
    check_refused(__LINE__, arrays, strlen(arrays), LTD_ETOOBIG, "more than 4096 values");
    /* parse_bytes copies the body. */
    CHECK(peak_kib() - before <= bound_kib + (long)(strlen(arrays) / 1024) + 1);
    free(array);
    free(arrays);
}

TEST(number_of_values_is_limited_exactly)
{
    char *fits = repeat("[", "0,", 4094, "0]");
    char *one_more = repeat("[", "0,", 4095, "0]");
    char *keys = numbered_keys(100000);

    ltd_json_free(parse(fits));
    check_refused(__LINE__, one_more, strlen(one_more), LTD_ETOOBIG, "byte 8191: more than 4096 values");
    check_refused(__LINE__, keys, strlen(keys), LTD_ETOOBIG, "more than 4096 values");
    free(fits);
    free(one_more);
    free(keys);
}

TEST(every_prefix_of_a_document_is_refused)
{
    static const char body[] =
        "{\"prompt\":\"a \\\"caf\\u00e9\\\" \xF0\x9F\x98\x80 \\ud83d\\ude00\",\"steps\":20,\"cfg\":-7.5e+0,"
        "\"a\":[true,false,null,{\"b\":[]}]}";
    struct ltd_json *root = parse(body);

    for (size_t size = 0; size < sizeof body - 1; size++)
        check_refused(__LINE__, body, size, LTD_ESYNTAX, "byte");
    CHECK_STR(ltd_json_string(ltd_json_get(root, "prompt")),
              "a \"caf\xC3\xA9\" \xF0\x9F\x98\x80 \xF0\x9F\x98\x80");
    ltd_json_free(root);
}

TEST(depth_is_limited)
{
    static const struct {
        const char *open, *close;
    } kinds[] = {{"[", "]"}, {"{\"a\":", "}"}};
    static const size_t depths[] = {33, 1001, 100000};

    for (size_t k = 0; k < COUNT(kinds); k++) {
        char *open = repeat("", kinds[k].open, 32, "0"), *all = repeat(open, kinds[k].close, 32, "");

        ltd_json_free(parse(all));
        free(open);
        free(all);
        for (size_t i = 0; i < COUNT(depths); i++) {
            char *text = repeat("", kinds[k].open, depths[i], "");

            check_refused(__LINE__, text, strlen(text), LTD_ETOOBIG, "nested deeper than 32");
            free(text);
        }
    }
}

TEST(no_limit_goes_beyond_depth_1000)
{
    const struct ltd_json_limits limits = {.max_depth = SIZE_MAX, .max_nodes = SIZE_MAX};
    char *open = repeat("", "[", 1000, ""), *all = repeat(open, "]", 1000, "");
    char *deeper = repeat("", "[", 1001, "");
    struct ltd_json *root = NULL;
    struct ltd_error err;

    CHECK_INT(parse_bytes(all, strlen(all), &limits, &root, &err), LTD_OK);
    ltd_json_free(root);
    CHECK_INT(parse_bytes(deeper, strlen(deeper), &limits, &root, &err), LTD_ETOOBIG);
    free(open);
    free(all);
    free(deeper);
}

TEST(invalid_utf8_is_refused_wherever_it_stands)
{
    static const char *const bad[] = {"\x80",
                                      "\xBF",
                                      "\xC0\xAF",
                                      "\xC1\xBF",
                                      "\xC3",
                                      "\xE0\x9F\xBF",
                                      "\xE2\x82",
                                      "\xED\xA0\x80",
                                      "\xED\xBF\xBF",
                                      "\xE2\x28\xA1",
                                      "\xF0\x8F\xBF\xBF",
                                      "\xF0\x9F\x98",
                                      "\xF4\x90\x80\x80",
                                      "\xF5\x80\x80\x80",
                                      "\xFF",
                                      "\xFE",
                                      "\xF0\x9F\x28\x80",
                                      "\xE1\x80\xC0",
                                      "\xF8\x88\x80\x80\x80"};
    static const char plain[] = "{\"key\":\"va\xC3\xA9lue\",\"b\":[\"\"]}";

    for (size_t i = 0; i < COUNT(bad); i++)
        for (size_t at = 0; at < sizeof plain; at++) {
            char text[64];

            snprintf(text, sizeof text, "%.*s%s%s", (int)at, plain, bad[i], plain + at);
            CHECK_REFUSED(text, "byte");
        }
    CHECK_REFUSED("[\"ab\xC0\xAF\"]", "byte 4: not valid UTF-8");
}

static void check_code_point(long code)
{
    const long above = code - 0x10000;
    char text[64], raw[8];
    struct ltd_json *root;
    const char *first;

    if (code < 0x10000)
        snprintf(text, sizeof text, "[\"\\u%04lx\",\"\\u%04lX\"]", code, code);
    else
        snprintf(text, sizeof text, "[\"\\u%04lx\\u%04lX\",0]", 0xD800 + (above >> 10),
                 0xDC00 + (above & 0x3FF));
    root = parse(text);
    first = ltd_json_string(ltd_json_first(root));
    REQUIRE(first);
    snprintf(raw, sizeof raw, "%.7s", first);
    CHECK_INT(strlen(raw), code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4);
    if (code < 0x10000)
        CHECK_STR(ltd_json_string(ltd_json_next(ltd_json_first(root))), raw);
    ltd_json_free(root);
    if (code < 0x20 || code == '"' || code == '\\')
        return;
    /* The scanner's own UTF-8 check judges what the escape was turned into. */
    snprintf(text, sizeof text, "\"%s\"", raw);
    root = parse(text);
    CHECK_STR(ltd_json_string(root), raw);
    ltd_json_free(root);
}

TEST(code_points_pass_raw_and_escaped)
{
    static const long borders[] = {0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF};

    for (size_t i = 0; i < COUNT(borders); i++)
        check_code_point(borders[i]);
    for (long code = 1; code <= 0x10FFFF; code += code < 0x1000 ? 1 : 61)
        if (code < 0xD800 || code > 0xDFFF)
            check_code_point(code);
}

TEST(escapes)
{
    struct ltd_json *root = parse("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20ac\\uD83D\\uDE00\x7F\"");

    CHECK_STR(ltd_json_string(root), "\"\\/\b\f\n\r\tA\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\x7F");
    ltd_json_free(root);
    CHECK_REFUSED("\"\\x\"", "no such escape");
    CHECK_REFUSED("\"\\U0041\"", "no such escape");
    CHECK_REFUSED("\"\\'\"", "no such escape");
    CHECK_REFUSED("\"\\u12\"", "four hexadecimal digits");
    CHECK_REFUSED("\"\\u12g4\"", "four hexadecimal digits");
    CHECK_REFUSED("\"\\u-123\"", "four hexadecimal digits");
    CHECK_REFUSED("\"\\", "escape is not complete");
    CHECK_REFUSED("\"\\\"", "still open");
}

TEST(surrogates_and_nul_are_refused)
{
    static const char *const bad[] = {"\\ud800",        "\\udc00\\ud800", "\\ud800\\ud800",
                                      "\\ud800x",       "\\ud800\\n",     "\\udfff",
                                      "\\ud800\\u0041", "\\ud800\\udbff", "\\ud800\\ue000"};
    char text[64];

    for (size_t i = 0; i < COUNT(bad); i++) {
        snprintf(text, sizeof text, "{\"k\":\"%s\"}", bad[i]);
        CHECK_REFUSED(text, "surrogate");
        snprintf(text, sizeof text, "{\"%s\":1}", bad[i]);
        CHECK_REFUSED(text, "surrogate");
    }
    CHECK_REFUSED("{\"k\":\"a\\u0000b\"}", "\\u0000");
    CHECK_REFUSED("{\"a\\u0000b\":1}", "\\u0000");
}

TEST(duplicate_keys_are_refused)
{
    CHECK_REFUSED("{\"steps\":1,\"steps\":2}", "byte 11: duplicate key \"steps\"");
    CHECK_REFUSED("{\"steps\":1,\"x\":0,\"st\\u0065ps\":2}", "byte 17: duplicate key \"st\\u0065ps\"");
    CHECK_REFUSED("{\"a\\n\\\"\":1,\"a\\u000a\\\"\":2}", "duplicate key \"a\\u000a\\\"\"");
    CHECK_REFUSED("{\"\":1,\"\":2}", "duplicate key \"\"");
    CHECK_REFUSED("{\"\\ud83d\\ude00\":1,\"\xF0\x9F\x98\x80\":2}", "duplicate key");
    CHECK_REFUSED("[{\"a\":{\"b\":1,\"c\":[],\"b\":1}}]", "duplicate key \"b\"");
    CHECK_REFUSED("{\"a\":{\"a\":1},\"b\":{\"c\":1,\"d\":2},\"a\":0}", "byte 31: duplicate key \"a\"");
    CHECK_REFUSED("{\"a\":1,\"b\":2,\"b\":3,\"a\":4}", "byte 13: duplicate key \"b\"");
    ltd_json_free(parse("{\"a\":{\"a\":{\"a\":[{\"a\":1},{\"a\":2}]}},\"A\":1,\"a \":2,\"b\":{\"a\":1}}"));
}

TEST(what_follows_the_document_is_refused)
{
    CHECK_REFUSED("{} x", "byte 3: there is something after the document");
    CHECK_REFUSED("{}{}", "after the document");
    CHECK_REFUSED("1 2", "after the document");
    CHECK_REFUSED("[],", "after the document");
    check_refused(__LINE__, "{}\0", 3, LTD_ESYNTAX, "byte 2");
    check_refused(__LINE__, "{}\0junk", 7, LTD_ESYNTAX, "byte 2");
    check_refused(__LINE__, "[\"a\0b\"]", 7, LTD_ESYNTAX, "byte 3");
}

TEST(empty_texts_and_byte_order_marks_are_refused)
{
    CHECK_REFUSED("", "ends at byte 0");
    CHECK_REFUSED("  \n\t ", "ends at byte 5");
    CHECK_REFUSED("\xEF\xBB\xBF{}", "byte order mark");
    CHECK_REFUSED("\xFF\xFE{", "byte 0");
}

TEST(control_characters_are_refused)
{
    for (char c = 1; c < 0x20; c++) {
        const char in_string[] = {'[', '"', c, '"', ']', '\0'}, between[] = {'[', c, '1', ']', '\0'};

        CHECK_REFUSED(in_string, "byte 2: a control character");
        if (c != '\t' && c != '\n' && c != '\r')
            CHECK_REFUSED(between, "byte 1");
    }
    CHECK_REFUSED("[\xC2\xA0]", "byte 1");
    CHECK_REFUSED("[1\x0C]", "byte 2");
}

TEST(grammar_errors_are_refused)
{
    static const char *const bad[] = {"[1,]",
                                      "[,1]",
                                      "[1,,2]",
                                      "[1 2]",
                                      "[",
                                      "]",
                                      "[1}",
                                      "{]",
                                      "{,}",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1,}",
                                      "{\"a\" 1}",
                                      "{a:1}",
                                      "{'a':1}",
                                      "{1:1}",
                                      "{\"a\":1 \"b\":2}",
                                      "{\"a\"::1}",
                                      "{null:1}",
                                      "'a'",
                                      "\"a",
                                      "nul",
                                      "nulll",
                                      "True",
                                      "tru",
                                      "FALSE",
                                      "undefined",
                                      "NaN",
                                      "Infinity",
                                      "-Infinity",
                                      "[NaN]",
                                      "/* c */ 1",
                                      "1 // c",
                                      "[1]]",
                                      "{}}",
                                      "\\u0031",
                                      "[\"a\",\n4\n,1,",
                                      "{\"a\":\"b\"}#",
                                      "*",
                                      "&",
                                      "[\"a\" \"b\"]",
                                      "{\"a\":1;}",
                                      "<null>",
                                      "[1:2]",
                                      "{\"a\",1}",
                                      "[{}",
                                      "[\"\t\"]"};

    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK_REFUSED(bad[i], "byte");
    CHECK_REFUSED("[1 2]", "byte 3: a comma or ']' is expected");
    CHECK_REFUSED("{\"a\":1 2}", "byte 7: a comma or '}' is expected");
    CHECK_REFUSED("{\"a\" 1}", "byte 5: a colon is expected");
    CHECK_REFUSED("{a:1}", "byte 1: a key in double quotes is expected");
}

TEST(numbers_outside_the_grammar_are_refused)
{
    static const char *const bad[] = {"01",    "-01",   "00",  "1.",   ".5",  "-.5",  "+1",    "0x1",
                                      "1e",    "1e+",   "1E-", "-",    "--1", "1.e1", "1.2.3", "1e1.5",
                                      "1e1e1", "1_000", "1a",  "0.e1", "-a",  "+Inf", "1-",    "0-1",
                                      "1+2",   "1d0",   "0b1", "1.0f", "2."};

    for (size_t i = 0; i < COUNT(bad); i++) {
        char text[32];

        CHECK_REFUSED(bad[i], "byte");
        snprintf(text, sizeof text, "[%s,\"\"]", bad[i]);
        CHECK_REFUSED(text, "byte");
    }
}

TEST(infinities_are_numbers_in_files_alone)
{
    static const char text[] = "{\"lambda_min_clipped\": -Infinity, \"b\": [Infinity]}";
    static const char *const wrong[] = {"NaN", "-Infinit", "+Infinity", "Infinity1", "-", "infinity"};
    struct ltd_json *json = NULL;

    CHECK_INT(ltd_json_parse(text, strlen(text), &ltd_json_request_limits, &json, NULL), LTD_ESYNTAX);
    REQUIRE(ltd_json_parse(text, strlen(text), &ltd_json_file_limits, &json, NULL) == LTD_OK);
    CHECK(ltd_json_number(ltd_json_get(json, "lambda_min_clipped")) == -DBL_MAX);
    CHECK(ltd_json_number(ltd_json_first(ltd_json_get(json, "b"))) == DBL_MAX);
    ltd_json_free(json);
    json = NULL;
    for (size_t i = 0; i < COUNT(wrong); i++)
        CHECK_INT(ltd_json_parse(wrong[i], strlen(wrong[i]), &ltd_json_file_limits, &json, NULL),
                  LTD_ESYNTAX);
}

TEST(big_objects_are_parsed_in_no_time)
{
    const size_t count = 300000;
    char *text = numbered_keys(count);
    const size_t size = strlen(text);
    struct ltd_json *root = NULL;
    struct ltd_error err = {0};

    /* Comparing every key with every other would take minutes; the harness's time limit is the judge. */
    CHECK_INT(ltd_json_parse(text, size, &ltd_json_file_limits, &root, &err), LTD_OK);
    CHECK_INT(ltd_json_size(root), count);
    CHECK(ltd_json_number(ltd_json_get(root, "key299999")) == 299999);
    ltd_json_free(root);

    memcpy(text + 1, "\"key9\"", 6); /* was "key0" */
    root = NULL;
    CHECK_INT(ltd_json_parse(text, size, &ltd_json_file_limits, &root, &err), LTD_ESYNTAX);
    CHECK(strstr(err.message, "duplicate key \"key9\"") != NULL);
    free(text);
}

TEST(files_are_read)
{
    char path[] = "/tmp/test_json_XXXXXX";
    const int fd = mkstemp(path);
    struct ltd_json *root = NULL;
    struct ltd_error err = {0};

    REQUIRE(fd >= 0);
    CHECK_INT(write(fd, "{\"a\":[1]}", 9), 9);
    CHECK_INT(ltd_json_read_file(path, 9, &root, &err), LTD_OK);
    CHECK_INT(ltd_json_size(ltd_json_get(root, "a")), 1);
    ltd_json_free(root);
    CHECK_INT(ltd_json_read_file(path, 8, &root, &err), LTD_ETOOBIG);
    CHECK(strstr(err.message, path) == err.message);
    CHECK_INT(ftruncate(fd, 5), 0);
    CHECK_INT(ltd_json_read_file(path, 9, &root, &err), LTD_ESYNTAX);
    CHECK(strstr(err.message, path) == err.message);
    CHECK_INT(ftruncate(fd, 0), 0);
    CHECK_INT(ltd_json_read_file(path, 9, &root, &err), LTD_ESYNTAX);
    close(fd);
    unlink(path);
    CHECK_INT(ltd_json_read_file(path, 9, &root, &err), LTD_ENOTFOUND);
    CHECK_INT(ltd_json_read_file("/tmp", 9, &root, &err), LTD_EFORMAT);
    CHECK_INT(ltd_json_read_file("/dev/zero", 9, &root, NULL), LTD_EFORMAT);
}
