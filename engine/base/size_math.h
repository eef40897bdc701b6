/*
 * size_math.h - size products that cannot wrap.
 */
#ifndef SIZE_MATH_H
#define SIZE_MATH_H

#include <stdbool.h>
#include <stddef.h>

/* *out = a * b; false, and *out untouched, when it does not fit. */
static inline bool size_mul(size_t a, size_t b, size_t *out)
{
    size_t product;

    if (__builtin_mul_overflow(a, b, &product))
        return false;
    *out = product;
    return true;
}

/* *out = a + b; false, and *out untouched, when it does not fit. */
static inline bool size_add(size_t a, size_t b, size_t *out)
{
    size_t sum;

    if (__builtin_add_overflow(a, b, &sum))
        return false;
    *out = sum;
    return true;
}

#endif
