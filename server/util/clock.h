/*
 * clock.h - the two times of day: one that never jumps, one that people read.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

/* Milliseconds since some moment before the program started; never goes back. */
int64_t clock_mono_ms(void);

/* Milliseconds since 1970-01-01 00:00 UTC. */
int64_t clock_wall_ms(void);

enum { CLOCK_TEXT_SIZE = 32 };

/* "2026-11-23T05:32:17.123Z" (RFC 3339); returns text. */
const char *clock_text(int64_t wall_ms, char text[CLOCK_TEXT_SIZE]);

#endif
