#include "engine/refusal.h"

struct refusal
refusal_short(const char *why)
{
	return (struct refusal){
		.status = 503,
		.why = "The server is short of resources. Try again later.",
		.rule = why,
	};
}
