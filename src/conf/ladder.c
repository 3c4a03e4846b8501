#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/ladder.h"

/* Longer waits than any clock should be asked to add up. */
static const uint64_t wait_max = UINT64_C(365) * 24 * 60 * 60 * 1000;

static const char *
read_signal(const char *name, int *sig)
{
	if (str_ieq(name, "EOF")) {
		*sig = 0;
		return NULL;
	}
	if (str_ieqn(name, strnlen(name, 3), "SIG", 3))
		name += 3;
	if ((*sig = str_signal(name)) == 0)
		return "a rung is EOF or the name of a signal"
		       " (example: EOF:2s,TERM:3s,KILL)";
	return NULL;
}

/* What is wrong with a rung (which is cut at its colon), or NULL. */
static const char *
read_rung(char *text, bool last, struct conf_rung *out)
{
	char *wait = strchr(text, ':');
	const char *wrong;

	if (wait != NULL)
		*wait++ = '\0';
	*out = (struct conf_rung){ 0 };
	if ((wrong = read_signal(text, &out->sig)) != NULL)
		return wrong;
	if (out->sig == SIGKILL && !last)
		return "KILL can only be the last rung";
	if (out->sig == 0 && last)
		return "the last rung is a signal; without any it is none";
	if (wait == NULL)
		return last ? NULL
			    : "every rung but the last needs a wait"
			      " (example: TERM:3s)";
	if (!str_duration(wait, &out->wait_ms) || out->wait_ms > wait_max)
		return "a wait is a duration (examples: 500ms, 2s, 1m)";
	if (last)
		out->wait_ms = 0;
	return NULL;
}

static const char *
read_rungs(char *text, struct conf_ladder *out)
{
	const char *wrong;
	char *next;

	for (; text != NULL; text = next) {
		if ((next = strchr(text, ',')) != NULL)
			*next++ = '\0';
		if (out->n == CONF_LADDER_MAX)
			return "a ladder has at most 8 rungs";
		wrong = read_rung(text, next == NULL, &out->rung[out->n++]);
		if (wrong != NULL)
			return wrong;
	}
	return NULL;
}

bool
ladder_read(const char *text, struct conf_ladder *out, const char **why)
{
	struct conf_ladder l = { 0 };
	char *copy;

	if (strcmp(text, "none") != 0) {
		copy = mem_strdup(text);
		*why = read_rungs(copy, &l);
		free(copy);
		if (*why != NULL)
			return false;
	}
	*out = l;
	return true;
}

void
ladder_write(const struct conf_ladder *l, char out[LADDER_TEXT])
{
	size_t at = 0;

	(void)str_copy(out, LADDER_TEXT, "none");
	for (size_t i = 0; i < l->n && at < LADDER_TEXT; i++) {
		const struct conf_rung *r = &l->rung[i];
		int n;

		n = snprintf(out + at, LADDER_TEXT - at, "%s:%" PRIu64 "ms%s",
		    r->sig == 0 ? "EOF" : str_signal_name(r->sig), r->wait_ms,
		    i + 1 == l->n ? "" : ",");
		at += n < 0 ? 0 : (size_t)n;
	}
}
