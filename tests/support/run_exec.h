/*
 * run_exec.h - runs a forward pass as a session does: dry, then on memory of just the size that was counted.
 */
#ifndef RUN_EXEC_H
#define RUN_EXEC_H

#include <stdbool.h>

#include "tensor/exec.h"

typedef void run_exec_fn(void *arg, struct exec *e);

/* In strict numerics.  False when the memory cannot be reserved, or when forward did not give back all that
 * it took.  (To take more than was counted trips an assertion of the arena.) */
bool run_exec(struct pool *pool, run_exec_fn *forward, void *arg);
/* The same in strict or in default numerics. */
bool run_exec_in(struct pool *pool, bool strict, run_exec_fn *forward, void *arg);
/* The same with products of f32 or of bf16. */
bool run_exec_by(struct pool *pool, bool bf16, run_exec_fn *forward, void *arg);

#endif
