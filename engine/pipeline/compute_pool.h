/*
 * compute_pool.h - the compute threads that a session or a probe has.
 */
#ifndef COMPUTE_POOL_H
#define COMPUTE_POOL_H

#include <latentd/error.h>

#include "base/pool.h"

/* *threads becomes how many are meant: 0 is one for each processor that this process may use.  Errors:
 * LTD_EINVAL unless 0..LTD_MAX_THREADS. */
LTD_MUST_USE enum ltd_status compute_pool_threads(int *threads, struct ltd_error *err);

/* Also readies the kernels.  The caller ends it with pool_free.  Errors: LTD_EINVAL as above,
 * LTD_EUNSUPPORTED an OpenBLAS built with OpenMP, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status compute_pool_new(int threads, struct pool **out, struct ltd_error *err);

#endif
