#include "util/random_id.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

bool random_fill(void *out, size_t size)
{
    ssize_t got;

    do
        got = getrandom(out, size, 0); /* up to 256 bytes come whole */
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)size;
}

bool random_id_make(char id[RANDOM_ID_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[(RANDOM_ID_SIZE - 1) / 2];

    if (!random_fill(bytes, sizeof bytes))
        return false;
    for (size_t i = 0; i < sizeof bytes; i++) {
        id[2 * i] = digits[bytes[i] >> 4];
        id[2 * i + 1] = digits[bytes[i] & 15];
    }
    id[RANDOM_ID_SIZE - 1] = '\0';
    return true;
}

bool random_id_is_valid(const char *text)
{
    return strspn(text, "0123456789abcdef") == RANDOM_ID_SIZE - 1 && text[RANDOM_ID_SIZE - 1] == '\0';
}

bool random_u32(uint32_t *out)
{
    uint32_t value;

    if (!random_fill(&value, sizeof value))
        return false;
    *out = value;
    return true;
}
