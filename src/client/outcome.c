#include <stdarg.h>
#include <stdio.h>

#include "client/outcome.h"

void
outcome_set(struct outcome *o, int status, const char *fmt, ...)
{
	va_list ap;

	o->status = status;
	va_start(ap, fmt);
	(void)vsnprintf(o->why, sizeof(o->why), fmt, ap);
	va_end(ap);
}

bool
outcome_is_local(const struct outcome *o)
{
	return o->status == OUTCOME_LOCAL || o->status == OUTCOME_NO_EXEC ||
	    o->status == OUTCOME_NO_COMMAND;
}
