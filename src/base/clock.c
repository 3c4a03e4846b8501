#include <stddef.h>
#include <time.h>

#include "base/clock.h"

#ifdef CLOCK_MONOTONIC_COARSE
#define COARSE CLOCK_MONOTONIC_COARSE
#else
#define COARSE CLOCK_MONOTONIC
#endif

static uint64_t (*replaced)(void);

static uint64_t
read_clock(clockid_t id)
{
	struct timespec ts = { 0 };

	if (replaced != NULL)
		return replaced();
	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

uint64_t
clock_ms(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t
clock_us(void)
{
	struct timespec ts = { 0 };

	if (replaced != NULL)
		return replaced() * 1000;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t
clock_coarse_ms(void)
{
	return read_clock(COARSE);
}

void
clock_replace(uint64_t (*fn)(void))
{
	replaced = fn;
}
