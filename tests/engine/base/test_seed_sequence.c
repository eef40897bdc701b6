/* test_seed_sequence.c - against numpy 2.4.6, SeedSequence(entropy, spawn_key=path,
 * pool_size=24).generate_state(1). */
#include "base/seed_sequence.h"

#include "check.h"

TEST(seeds_are_numpys)
{
    static const struct {
        uint64_t entropy, path[2];
        size_t length;
        uint32_t want;
    } cases[] = {
        {0, {0}, 0, 4025752534U},
        {7, {0}, 0, 1376543887U},
        {UINT64_MAX, {0}, 0, 1186816001U},
        {0, {0, 0}, 2, 245430115U},
        {7, {1, 1}, 2, 36132934U},
        {(UINT64_C(1) << 32) + 5, {5, 3}, 2, 430381082U},
        {UINT64_MAX, {(UINT64_C(1) << 33) + 1, 34}, 2, 2443923589U},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_INT(seed_sequence_first(cases[i].entropy, cases[i].path, cases[i].length), cases[i].want);
}
