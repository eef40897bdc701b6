/* test_tile_ops.c - what of the inner loops no product shows alone: how values become bf16. */
#include "kernels/tile_ops.h"

#include <math.h>
#include <stdlib.h>

#include "check.h"
#include "definitions.h"
#include "random_values.h"

enum { MOST = 130 };

static double narrowed(const float *pairs, size_t i)
{
    return bf16_by_definition(((const uint16_t *)(const void *)pairs)[i]);
}

static void check_row(const float *values, size_t n, bool in_place)
{
    float pairs[MOST];

    for (size_t i = 0; i < MOST; i++)
        pairs[i] = in_place && i < n ? values[i] : 5;
    tile_ops()->narrow(pairs, in_place ? pairs : values, n);
    for (size_t i = 0; i < n; i++)
        if (narrowed(pairs, i) != nearest_bf16((double)values[i]))
            check_failed(__FILE__, __LINE__, "value %zu of %zu, %a, becomes %a", i, n, (double)values[i],
                         narrowed(pairs, i));
    if (n % 2)
        CHECK(narrowed(pairs, n) == 0);
    if (!in_place)
        CHECK(pairs[(n + 1) / 2] == 5);
}

TEST(rows_of_any_length_become_bf16)
{
    float *values = random_values(1, MOST);

    for (size_t n = 0; n < MOST; n++) {
        check_row(values, n, false);
        check_row(values, n, true);
    }
    free(values);
}

TEST(values_become_the_nearest_bf16)
{
    /* In the middle: to the even one; a bit beside it; small and large; what has no nearest one. */
    static const float values[] = {0x1.01p0f,
                                   0x1.03p0f,
                                   -0x1.01p0f,
                                   0x1.010002p0f,
                                   0x1.00fffep0f,
                                   0x1.02fffep0f,
                                   0x1.fep0f,
                                   0x1.ffp0f,
                                   0x1.fefffep0f,
                                   0,
                                   1,
                                   -1,
                                   0x1.fdfffep-99f,
                                   0x1.01p100f,
                                   0x1.fefffep127f};
    enum { ROW = 64 };
    float row[ROW], pairs[ROW] = {0};

    for (size_t k = 0; k < COUNT(values); k++) {
        for (size_t i = 0; i < ROW; i++)
            row[i] = values[k];
        check_row(row, ROW, false);
        check_row(row, ROW - 1, true);
    }
    for (size_t i = 0; i < ROW; i++)
        row[i] = i % 4 == 0 ? NAN : i % 4 == 1 ? INFINITY : i % 4 == 2 ? -INFINITY : 0x1.ffp127f;
    tile_ops()->narrow(pairs, row, ROW);
    for (size_t i = 0; i < ROW; i++)
        CHECK(i % 4 == 0 ? isnan(narrowed(pairs, i))
                         : narrowed(pairs, i) == (i % 4 == 2 ? -INFINITY : INFINITY));
}

/* Bytes of a NaN that rounding would carry into the sign, into a number. */
TEST(what_is_not_a_number_stays_so)
{
    uint32_t bytes[32];
    float row[32], pairs[32];

    for (size_t i = 0; i < COUNT(bytes); i++)
        bytes[i] = i % 2 ? 0x7fffffffu : 0xffffffffu;
    memcpy(row, bytes, sizeof row);
    tile_ops()->narrow(pairs, row, COUNT(row));
    for (size_t i = 0; i < COUNT(row); i++)
        CHECK(isnan(narrowed(pairs, i)));
}
