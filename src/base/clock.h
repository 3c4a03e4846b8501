/*
 * Monotonic time in milliseconds since some moment in the past.
 *
 * clock_ms() is exact; clock_coarse_ms() may lag by a few milliseconds and
 * costs next to nothing, for marks of activity on the hot path. clock_us() is
 * the same in microseconds.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_ms(void);
uint64_t clock_coarse_ms(void);
uint64_t clock_us(void);

/* Tests: replace the clocks by fn, or give the real ones back with NULL. */
void clock_replace(uint64_t (*fn)(void));

#endif
