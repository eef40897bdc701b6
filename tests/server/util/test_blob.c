#include "util/blob.h"

#include <stdlib.h>

#include "check.h"

TEST(a_blob_lives_until_the_last_reference_is_gone)
{
    struct blob *blob = blob_from_text("abc");
    struct blob *second;

    REQUIRE(blob);
    second = blob_ref(blob);
    blob_unref(blob);
    CHECK_INT(blob_size(second), 3);
    CHECK(memcmp(blob_data(second), "abc", 3) == 0);
    blob_unref(second); /* the leak checker says whether this freed it */
    blob_unref(NULL);
}

TEST(a_blob_takes_the_bytes_it_is_given)
{
    char *data = malloc(2);
    struct blob *blob = blob_take(data, 2);

    REQUIRE(blob);
    CHECK(blob_data(blob) == data);
    blob_unref(blob);
}
