/* fuzz_json.c - any bytes: what parses must print, and what is printed must parse to the same print. */
#include <latentd/json.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

/* Reads every value in every way. */
static void read_all(const struct ltd_json *value, size_t depth)
{
    uint64_t u;
    int64_t i;

    PROMISE(depth <= ltd_json_request_limits.max_depth);
    PROMISE(isfinite(ltd_json_number(value)));
    if (ltd_json_uint64(value, &u) && ltd_json_int64(value, &i))
        PROMISE(i >= 0 && (uint64_t)i == u);
    for (const struct ltd_json *child = ltd_json_first(value); child; child = ltd_json_next(child)) {
        if (ltd_json_type(value) == LTD_JSON_OBJECT)
            PROMISE(ltd_json_get(value, ltd_json_key(child)) == child);
        read_all(child, depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ltd_json *root = NULL, *again = NULL;
    struct ltd_error err = {0};
    char *first, *second;

    if (ltd_json_parse((const char *)data, size, &ltd_json_request_limits, &root, &err) != LTD_OK) {
        PROMISE(!root && err.status != LTD_OK && err.message[0] != '\0' && !strchr(err.message, '\n'));
        return 0;
    }
    read_all(root, 0);
    first = ltd_json_print(root, false);
    PROMISE(first);
    PROMISE(ltd_json_parse(first, strlen(first), &ltd_json_request_limits, &again, &err) == LTD_OK);
    second = ltd_json_print(again, false);
    PROMISE(second && strcmp(first, second) == 0);
    free(first);
    free(second);
    ltd_json_free(root);
    ltd_json_free(again);
    return 0;
}
