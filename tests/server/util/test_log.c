#include "util/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <latentd/json.h>

#include "check.h"

/* Logs one event to a pipe and reads it back. */
static void written(bool json, const struct log_field *fields, int count, char *out, size_t size)
{
    int ends[2];
    struct log log;
    ssize_t length;

    out[0] = '\0';
    if (pipe(ends) != 0)
        return;
    log_init(&log, ends[1], json);
    log_event(&log, LOG_WARN, "request", fields, count);
    length = read(ends[0], out, size - 1);
    out[length > 0 ? length : 0] = '\0';
    close(ends[0]);
    close(ends[1]);
}

TEST(text_lines_quote_what_is_not_plain)
{
    static const struct log_field fields[] = {
        {"path", "/a", true}, {"name", "a b\n\"c\"", true}, {"ms", "1.5", false}, {"absent", NULL, true}};
    char line[512];

    written(false, fields, COUNT(fields), line, sizeof line);
    CHECK(strstr(line, " level=warn event=request path=/a name=\"a b\\u000a\\\"c\\\"\" ms=1.5\n") != NULL);
}

TEST(characters_are_escaped_as_json_does_and_stray_bytes_as_latin_1)
{
    static const struct log_field fields[] = {
        {"a", "\xe7\x8c\xab \xf0\x9f\x90\xb1", true}, {"b", "\xff\xc3", true}, {"c", "\xe7\x8c", true}};
    char line[512];

    written(true, fields, COUNT(fields), line, sizeof line);
    CHECK(
        strstr(line, "\"a\":\"\\u732b \\ud83d\\udc31\",\"b\":\"\\u00ff\\u00c3\",\"c\":\"\\u00e7\\u008c\"}"));
}

TEST(lines_to_the_journal_begin_with_their_level)
{
    static const struct log_field field = {"a", "b", true};
    int ends[2];
    struct stat info;
    struct log log;
    char line[512] = "", stream[64];

    REQUIRE(pipe(ends) == 0 && fstat(ends[1], &info) == 0);
    snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)info.st_dev,
             (unsigned long long)info.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_init(&log, ends[1], false);
    log_event(&log, LOG_WARN, "e", &field, 1);
    CHECK(read(ends[0], line, sizeof line - 1) > 0);
    CHECK(strncmp(line, "<4>time=", 8) == 0);
    CHECK(strstr(line, "Z level=warn event=e a=b\n"));
    log_init(&log, ends[1], true);
    log_event(&log, LOG_WARN, "e", &field, 1);
    CHECK(read(ends[0], line, sizeof line - 1) > 0);
    CHECK(line[0] == '{');
    setenv("JOURNAL_STREAM", "1:1", 1);
    log_init(&log, ends[1], false);
    CHECK(!log.journal);
    unsetenv("JOURNAL_STREAM");
    close(ends[0]);
    close(ends[1]);
}

TEST(json_lines_are_json)
{
    static const struct log_field fields[] = {{"name", "\x1b\"\\\xc3\xa9", true}, {"ms", "1.5", false}};
    char line[512];
    struct ltd_json *json = NULL;
    struct ltd_error error;

    written(true, fields, COUNT(fields), line, sizeof line);
    REQUIRE(ltd_json_parse(line, strlen(line), &ltd_json_request_limits, &json, &error) == LTD_OK);
    CHECK_STR(ltd_json_string(ltd_json_get(json, "event")), "request");
    CHECK_NEAR(ltd_json_number(ltd_json_get(json, "ms")), 1.5, 0);
    ltd_json_free(json);
}

TEST(a_full_pipe_drops_lines_and_says_how_many)
{
    int ends[2];
    struct log log;
    static char text[1 << 16];
    ssize_t length;
    int lines = 0;

    REQUIRE(pipe(ends) == 0);
    log_init(&log, ends[1], false);
    while (atomic_load(&log.dropped) < 3 && lines++ < 100000)
        log_note(&log, LOG_INFO, "a line that nobody reads");
    REQUIRE(lines < 100000);
    REQUIRE(read(ends[0], text, sizeof text) > 0);
    log_note(&log, LOG_INFO, "after");
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    length = read(ends[0], text, sizeof text - 1);
    REQUIRE(length > 0);
    text[length] = '\0';
    CHECK(strstr(text, "message=after dropped_lines=3\n") != NULL);
    close(ends[0]);
    close(ends[1]);
}
