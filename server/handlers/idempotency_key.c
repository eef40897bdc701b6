#include "handlers/idempotency_key.h"

#include <stdio.h>
#include <string.h>

enum { MAX_BYTES = 255 };

static bool is_printable(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] > '~' || text[i] == '"')
            return false;
    return true;
}

bool idempotency_key_read(const struct http_request *request, enum job_family family,
                          char key[IDEMPOTENCY_KEY_SIZE], struct problem *problem)
{
    const char *text = http_request_header(request, "Idempotency-Key");
    size_t length = text ? strlen(text) : 0;

    key[0] = '\0';
    if (!text)
        return true;
    if (length >= 2 && text[0] == '"' && text[length - 1] == '"') {
        text++;
        length -= 2;
    }
    if (length == 0 || length > MAX_BYTES || !is_printable(text, length)) {
        problem_set(problem, 400, "bad_idempotency_key",
                    "Idempotency-Key: send 1 to %d printable bytes without spaces, in quotes or not",
                    MAX_BYTES);
        return false;
    }
    snprintf(key, IDEMPOTENCY_KEY_SIZE, "%s:%.*s", job_family_name(family), (int)length, text);
    return true;
}

void idempotency_key_conflict(const char key[IDEMPOTENCY_KEY_SIZE], struct problem *problem)
{
    if (problem->status == 409 && key[0])
        problem_set(problem, 422, "idempotency_key_reused",
                    "this Idempotency-Key came with another request before; send a new one");
}
