/*
 * beta_quantile.h - the inverse of the beta distribution's cumulative function.
 */
#ifndef BETA_QUANTILE_H
#define BETA_QUANTILE_H

/* The x in [0, 1] below which lies the share p of a beta distribution with both parameters `shape`; to 1e-14.
 * 0 <= p <= 1, 0 < shape. */
double beta_quantile(double p, double shape);

#endif
