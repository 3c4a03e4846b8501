#include "base/rate.h"

uint64_t
rate_early(uint64_t till, uint64_t now, uint64_t step, uint64_t burst)
{
	uint64_t ahead = till > now ? till - now : 0;
	uint64_t slack = step * (burst - 1);

	return ahead > slack ? ahead - slack : 0;
}

uint64_t
rate_count(uint64_t till, uint64_t now, uint64_t step)
{
	return (till > now ? till : now) + step;
}
