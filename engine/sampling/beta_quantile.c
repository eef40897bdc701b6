#include "sampling/beta_quantile.h"

#include <math.h>

/* The continued fraction of the incomplete beta function for x <= 1/2 (Abramowitz and Stegun 26.5.8), from
 * its end: forty levels leave less than 1e-16 at x = 1/2. */
static double fraction(double x, double a)
{
    double value = 1;

    for (int m = 40; m >= 1; m--) {
        const double even = m * (a - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        const double odd = -(a + m - 1) * (2 * a + m - 1) * x / ((a + 2 * m - 2) * (a + 2 * m - 1));

        value = 1 + odd / (1 + even / value);
    }
    return 1 / value;
}

/* The share below x <= 1/2. */
static double lower_share(double x, double shape, double log_beta)
{
    return exp(shape * log(x) + shape * log1p(-x) - log_beta) / shape * fraction(x, shape);
}

double beta_quantile(double p, double shape)
{
    const double log_beta = 2 * log(tgamma(shape)) - log(tgamma(2 * shape));
    double low = 0, high = 0.5;

    if (p > 0.5)
        return 1 - beta_quantile(1 - p, shape);
    if (p == 0)
        return 0;
    while (low < high) {
        const double middle = low + (high - low) / 2;

        if (middle <= low || middle >= high)
            break;
        if (lower_share(middle, shape, log_beta) < p)
            low = middle;
        else
            high = middle;
    }
    return high;
}
