/*
 * How a process has ended, and what is said of it.
 */
#ifndef BASE_ENDED_H
#define BASE_ENDED_H

#include <stdint.h>

enum {
	ENDED_LIVES = 255, /* in place of a signal: it could not be ended */
	ENDED_WORDS = 32,  /* bytes of the words for it, with the NUL */
	ENDED_BRIEF = 16,
};

struct ended {
	uint8_t signal; /* that killed it, or 0; or ENDED_LIVES */
	uint8_t status; /* its exit status otherwise */
};

/* What a shell has in `$?`: the status, or 128 and the signal. */
unsigned ended_status(struct ended);

/* "exit status 3", "killed by SIGSEGV": the reason of a Close. */
void ended_put_words(struct ended, char out[ENDED_WORDS]);

/* "3", "SIGSEGV", "lives on": a field of the log. */
void ended_put_brief(struct ended, char out[ENDED_BRIEF]);

#endif
