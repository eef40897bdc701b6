/*
 * limits.h - bounds of the engine that its callers check for themselves.
 */
#ifndef LATENTD_LIMITS_H
#define LATENTD_LIMITS_H

/* Compute threads of a process, all sessions together: OpenBLAS keeps a buffer for each thread that calls it
 * in a table of fixed size, and returns NULL into a running product when that is full. */
#define LTD_MAX_THREADS 64

#endif
