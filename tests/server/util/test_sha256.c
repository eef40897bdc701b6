#include "util/sha256.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"

/* FIPS 180-4's example, and the digest of nothing. */
TEST(digests_are_those_of_the_standard)
{
    char text[SHA256_TEXT_SIZE];

    sha256_text("abc", 3, text);
    CHECK_STR(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256_text("", 0, text);
    CHECK_STR(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* RFC 4231, test case 2. */
TEST(hmac_is_that_of_the_standard)
{
    static const uint8_t want[SHA256_SIZE] = {
        0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7,
        0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43};
    static const char data[] = "what do ya want for nothing?";
    uint8_t got[SHA256_SIZE];

    sha256_hmac("Jefe", 4, data, sizeof data - 1, got);
    CHECK(memcmp(got, want, sizeof want) == 0);
}

TEST(files_are_read_one_after_another)
{
    char folder[] = "/tmp/latentd-sha256-XXXXXX", a[64], b[64], got[SHA256_TEXT_SIZE], want[SHA256_TEXT_SIZE];
    const char *const paths[] = {a, b, a};
    static char big[700000];
    struct ltd_error error;
    atomic_bool cancel;
    FILE *file;

    atomic_init(&cancel, false);
    REQUIRE(mkdtemp(folder));
    snprintf(a, sizeof a, "%s/a", folder);
    snprintf(b, sizeof b, "%s/b", folder);
    memset(big, 'x', sizeof big);
    REQUIRE((file = fopen(a, "w")) && fwrite(big, 1, 300000, file) == 300000 && fclose(file) == 0);
    REQUIRE((file = fopen(b, "w")) && fwrite(big, 1, 100000, file) == 100000 && fclose(file) == 0);
    sha256_text(big, 700000, want);
    CHECK_INT(sha256_files(paths, 3, &cancel, got, &error), LTD_OK);
    CHECK_STR(got, want);
    atomic_store(&cancel, true);
    CHECK_INT(sha256_files(paths, 3, &cancel, got, &error), LTD_ECANCELED);
    atomic_store(&cancel, false);
    unlink(b);
    CHECK_INT(sha256_files(paths, 3, &cancel, got, &error), LTD_EIO);
    unlink(a);
    rmdir(folder);
}
