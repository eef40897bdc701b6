/* test_mapped_file.c - regular files are mapped, anything else is refused by name and without waiting. */
#include "base/mapped_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "model_copy.h"

static char dir[] = "/tmp/test_mapped_file_XXXXXX";

__attribute__((constructor)) static void make_dir(void)
{
    if (!mkdtemp(dir))
        abort();
}

__attribute__((destructor)) static void remove_dir(void)
{
    model_copy_remove(dir);
}

static const char *path_of(const char *name)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void check_refused(int line, const char *name, enum ltd_status want)
{
    const struct mapped_file before = {(const uint8_t *)"x", 1};
    struct mapped_file file = before;
    struct ltd_error err = {0};
    const enum ltd_status got = mapped_file_open(&file, path_of(name), &err);

    if (got != want || err.status != want || !strstr(err.message, path_of(name)))
        check_failed(__FILE__, line, "%s: %s '%s', not %s", name, ltd_status_name(got), err.message,
                     ltd_status_name(want));
    if (file.data != before.data || file.size != before.size)
        check_failed(__FILE__, line, "%s: the out-parameter was written", name);
}

TEST(what_is_no_file_is_refused)
{
    REQUIRE(mkdir(path_of("folder"), 0700) == 0);
    REQUIRE(mkfifo(path_of("fifo"), 0600) == 0);
    REQUIRE(file_write(path_of("file"), "x", 1));
    REQUIRE(symlink("nowhere", path_of("dangling")) == 0);
    check_refused(__LINE__, "missing", LTD_ENOTFOUND);
    check_refused(__LINE__, "file/inside", LTD_ENOTFOUND);
    check_refused(__LINE__, "dangling", LTD_ENOTFOUND);
    check_refused(__LINE__, "folder", LTD_EFORMAT);
    check_refused(__LINE__, "fifo", LTD_EFORMAT);
}

TEST(an_empty_file_is_empty)
{
    struct mapped_file file = {(const uint8_t *)"x", 1};

    REQUIRE(file_write(path_of("empty"), "", 0));
    REQUIRE(mapped_file_open(&file, path_of("empty"), NULL) == LTD_OK);
    CHECK(file.data == NULL && file.size == 0);
    mapped_file_close(&file);
}

TEST(a_large_file_is_there_whole)
{
    const size_t size = 300001;
    unsigned char *bytes = malloc(size);
    struct mapped_file file;

    REQUIRE(bytes != NULL);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(i * 7 >> 3);
    REQUIRE(file_write(path_of("large"), bytes, size));
    REQUIRE(mapped_file_open(&file, path_of("large"), NULL) == LTD_OK);
    CHECK_INT(file.size, size);
    CHECK(memcmp(file.data, bytes, size) == 0);
    mapped_file_close(&file);
    CHECK(file.data == NULL && file.size == 0);
    mapped_file_close(&file);
    free(bytes);
}

/* Pages of files that this process has in memory. */
static long resident(void)
{
    FILE *statm = fopen("/proc/self/statm", "r");
    long shared = -1;

    CHECK(statm && fscanf(statm, "%*s %*s %ld", &shared) == 1);
    if (statm)
        fclose(statm);
    return shared;
}

static size_t sum_of(const struct mapped_file *file)
{
    size_t sum = 0;

    for (size_t i = 0; i < file->size; i++)
        sum += file->data[i];
    return sum;
}

TEST(what_is_given_back_leaves_memory_and_can_be_read_again)
{
    enum { BYTES = 4 << 20 };
    char *bytes = malloc(BYTES);
    struct mapped_file file;
    long before, after;
    size_t sum;

    REQUIRE(bytes);
    memset(bytes, 7, BYTES);
    REQUIRE(file_write(path_of("large"), bytes, BYTES));
    free(bytes);
    REQUIRE(mapped_file_open(&file, path_of("large"), NULL) == LTD_OK);
    sum = sum_of(&file);
    before = resident();
    mapped_file_give_back(file.data + 1, file.size - 2);
    after = resident();
    CHECK(before - after > BYTES / sysconf(_SC_PAGESIZE) * 9 / 10);
    mapped_file_give_back(file.data + 1, 1);
    CHECK(sum_of(&file) == sum && sum == (size_t)7 * BYTES);
    mapped_file_close(&file);
}
