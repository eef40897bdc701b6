#include "util/sha256.h"

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
