#include "util/edit_distance.h"

#include "check.h"

TEST(the_distance_counts_the_four_kinds_of_slips)
{
    CHECK_INT(edit_distance("", ""), 0);
    CHECK_INT(edit_distance("steps", "steps"), 0);
    CHECK_INT(edit_distance("", "abc"), 3);
    CHECK_INT(edit_distance("abc", ""), 3);
    CHECK_INT(edit_distance("step", "steps"), 1);
    CHECK_INT(edit_distance("steps", "step"), 1);
    CHECK_INT(edit_distance("stops", "steps"), 1);
    CHECK_INT(edit_distance("stesp", "steps"), 1);
    CHECK_INT(edit_distance("kitten", "sitting"), 3);
}

TEST(long_texts_are_compared_by_their_beginning)
{
    char a[200], b[200];

    memset(a, 'a', sizeof a - 1);
    memset(b, 'b', sizeof b - 1);
    a[sizeof a - 1] = b[sizeof b - 1] = '\0';
    CHECK_INT(edit_distance(a, b), 64);
}

TEST(only_near_words_are_offered)
{
    CHECK(edit_distance_is_near("quue_limit", "queue_limit"));
    CHECK(edit_distance_is_near("max_step", "max_steps"));
    CHECK(!edit_distance_is_near("port", "listen"));
    CHECK(!edit_distance_is_near("", "model"));
}
