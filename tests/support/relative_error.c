#include "relative_error.h"

#include <math.h>

double check_relative_error(const float *got, const float *want, size_t n)
{
    double error = 0, norm = 0;

    for (size_t i = 0; i < n; i++) {
        const double d = (double)got[i] - (double)want[i];

        if (!isfinite(got[i]) || !isfinite(want[i]))
            return INFINITY;
        error += d * d;
        norm += (double)want[i] * (double)want[i];
    }
    if (norm == 0)
        return error == 0 ? 0 : INFINITY;
    return sqrt(error / norm);
}
