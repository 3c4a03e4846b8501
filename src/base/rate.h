/*
 * Rates: so many in a time, after a rest some of them at once.
 *
 * What is kept is one number for each that is limited: the time till which all
 * that came would have been on time, had it come evenly. How far that lies
 * ahead of now is how much came early.
 *
 * Times are in microseconds, on any clock that does not go back.
 */
#ifndef BASE_RATE_H
#define BASE_RATE_H

#include <stdint.h>

/*
 * How much too early one more is, if they may come every `step`, and `burst`
 * (at least 1) at once; 0: it is not.
 */
uint64_t rate_early(uint64_t till, uint64_t now, uint64_t step, uint64_t burst);

/* Count one more: the next `till`. */
uint64_t rate_count(uint64_t till, uint64_t now, uint64_t step);

#endif
