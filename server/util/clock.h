/*
 * clock.h - the two clocks.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

/* Seconds since some fixed moment; never runs backwards.  For durations and deadlines. */
double clock_monotonic(void);

/* Milliseconds since 1970, UTC; may be set back.  For what people read. */
int64_t clock_unix_ms(void);

enum { CLOCK_TEXT_SIZE = 25 };
/* Writes unix_ms as "2026-01-31T12:00:00.000Z" (RFC 3339).  unix_ms lies in the years 1970 to 9999. */
void clock_format(char text[CLOCK_TEXT_SIZE], int64_t unix_ms);

#endif
