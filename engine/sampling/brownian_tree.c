#include "sampling/brownian_tree.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/seed_sequence.h"
#include "base/torch_rng.h"

/* A part of the path: one of two halves of its parent, each of which is rounded to whole millionths. */
struct part {
    double start, end;
    uint64_t key; /* its place among those of its depth */
    uint64_t depth;
};

/* The nearest whole millionth, half to even, as Python's round(x, 6): of x 1e6 exactly, not as rounded. */
static double round_to_millionths(double x)
{
    const double scaled = x * 1e6, rest = fma(x, 1e6, -scaled), whole = rint(scaled);
    const double over = scaled - whole;

    if (over == 0.5 && rest > 0)
        return (whole + 1) / 1e6;
    if (over == -0.5 && rest < 0)
        return (whole - 1) / 1e6;
    return whole / 1e6;
}

void brownian_tree_init(struct brownian_tree *tree, uint64_t seed, float low, float high)
{
    *tree = (struct brownian_tree){.seed = seed,
                                   .start = round_to_millionths((double)low),
                                   .end = round_to_millionths((double)high),
                                   .spread = (float)sqrt((double)high - (double)low)};
}

static void draw(float *out, uint32_t seed, size_t n)
{
    struct torch_rng rng;

    torch_rng_init(&rng, seed);
    torch_rng_normal(&rng, out, n);
}

/* left [n] = the change over the first half of a part whose own is whole [n]; returns where that half ends.
 */
static double halve(const struct brownian_tree *tree, const struct part *part, const float *whole,
                    float *left, size_t n)
{
    const uint64_t path[] = {part->key, part->depth};
    const double middle = round_to_millionths(0.5 * (part->end + part->start));
    const double before = middle - part->start, after = part->end - middle;
    const double inverse = 1 / (part->end - part->start);
    const float share = (float)before, scale = (float)inverse,
                deviation = (float)sqrt(before * after * inverse);

    draw(left, seed_sequence_first(tree->seed, path, 2), n);
    for (size_t i = 0; i < n; i++)
        left[i] = whole[i] * share * scale + deviation * left[i];
    return middle;
}

static struct part half_of(struct part part, double middle, bool right)
{
    if (right)
        part.start = middle;
    else
        part.end = middle;
    part.key = 2 * part.key + right;
    part.depth++;
    return part;
}

static void add(float *sum, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum[i] += x[i];
}

static void subtract(float *difference, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        difference[i] -= x[i];
}

/* sum [n] += the change from `from` to `to`, which lie in a part and are not the same.  change [n] is the
 * part's own, and overwritten; so are left [n] and spare [n], of which a way that begins or ends with the
 * part needs no spare. */
static void add_change(const struct brownian_tree *tree, struct part part, float *change, double from,
                       double to, float *sum, float *left, float *spare, size_t n)
{
    while (from > part.start || to < part.end) {
        const double middle = halve(tree, &part, change, left, n);
        const bool crosses = from < middle && middle < to;
        bool right;

        subtract(change, left, n);
        if (crosses && to == part.end) {
            add(sum, change, n);
            to = middle;
        } else if (crosses) {
            add_change(tree, half_of(part, middle, false), left, from, middle, sum, spare, NULL, n);
            from = middle;
        }
        right = from >= middle;
        if (!right) {
            float *const taken = change;

            change = left;
            left = taken;
        }
        part = half_of(part, middle, right);
    }
    add(sum, change, n);
}

void brownian_tree_noise(const struct brownian_tree *tree, float *out, float from, float to, size_t n,
                         float *scratch)
{
    const double low = round_to_millionths(fmax((double)fminf(from, to), tree->start));
    const double high = round_to_millionths(fmin((double)fmaxf(from, to), tree->end));
    const struct part whole = {.start = tree->start, .end = tree->end};
    const float scale = sqrtf(fabsf(to - from)), signed_scale = from < to ? scale : -scale;
    float *change = scratch;

    memset(out, 0, n * sizeof *out);
    if (low >= high)
        return;
    draw(change, seed_sequence_first(tree->seed, NULL, 0), n);
    for (size_t i = 0; i < n; i++)
        change[i] *= tree->spread;
    add_change(tree, whole, change, low, high, out, scratch + n, scratch + 2 * n, n);
    for (size_t i = 0; i < n; i++)
        out[i] /= signed_scale;
}
