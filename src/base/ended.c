#include <stdio.h>

#include "base/ended.h"
#include "base/str.h"

enum { SHELL_SIGNAL = 128 };

unsigned
ended_status(struct ended e)
{
	return e.signal != 0 ? SHELL_SIGNAL + (unsigned)e.signal : e.status;
}

void
ended_put_words(struct ended e, char out[ENDED_WORDS])
{
	const char *name = str_signal_name(e.signal);

	if (e.signal == 0)
		(void)snprintf(out, ENDED_WORDS, "exit status %d", e.status);
	else if (name != NULL)
		(void)snprintf(out, ENDED_WORDS, "killed by SIG%s", name);
	else
		(void)snprintf(out, ENDED_WORDS, "killed by signal %d",
		    e.signal);
}

void
ended_put_brief(struct ended e, char out[ENDED_BRIEF])
{
	const char *name = str_signal_name(e.signal);

	if (e.signal == ENDED_LIVES)
		(void)str_copy(out, ENDED_BRIEF, "lives on");
	else if (e.signal != 0 && name != NULL)
		(void)snprintf(out, ENDED_BRIEF, "SIG%s", name);
	else
		(void)snprintf(out, ENDED_BRIEF, "%u", ended_status(e));
}
