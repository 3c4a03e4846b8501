/*
 * An error that a client gets, from the place that decided it: what it says to
 * the client, and what to the log.
 */
#ifndef ENGINE_REFUSAL_H
#define ENGINE_REFUSAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http1_out;

/* Texts are static or outlive it. */
struct refusal {
	unsigned status;
	const char *why;    /* a sentence for the client */
	const char *rule;   /* for the log; NULL: not worth a line */
	const char *option; /* that would allow it, or NULL */
	const char *value;  /* with this; borrowed; or NULL */
	size_t value_len;
	uint64_t retry_after;          /* seconds; 0: as its status has it */
	const struct http1_out *field; /* more of them; borrowed */
	size_t nfields;
	bool keep; /* the request was in order: the next one may come */
	bool full; /* there is no room: websocketd says 429 then */
};

/* What is answered when we are short of `why`, which is static. */
struct refusal refusal_short(const char *why);

#endif
