/*
 * How a call ended: the exit status that says so, and a sentence.
 */
#ifndef CLIENT_OUTCOME_H
#define CLIENT_OUTCOME_H

#include <stdbool.h>

#include "base/base.h"

/* The statuses of our own are those of sysexits.h and their neighbours. */
enum outcome_status {
	OUTCOME_OK = 0,
	OUTCOME_USAGE = 2,
	OUTCOME_NO_NAME = 68, /* the host's name was not found */
	OUTCOME_NO_CONNECT = 69,
	OUTCOME_LOCAL = 74, /* our own input or output */
	OUTCOME_TIMEOUT = 75,
	OUTCOME_BROKEN = 76,  /* the protocol, or a Close with an error */
	OUTCOME_REFUSED = 77, /* with an HTTP status */
	OUTCOME_TLS = 78,
	OUTCOME_NO_EXEC = 126,    /* the command cannot be run, as in a shell */
	OUTCOME_NO_COMMAND = 127, /* or is not found */
};

enum { OUTCOME_WHY_SIZE = 512 };

struct outcome {
	int status;
	int signal; /* to die of instead; 0: none */
	bool lost;  /* OUTCOME_TLS: before anything was judged */
	char why[OUTCOME_WHY_SIZE]; /* empty: nothing has to be said */
};

/* Whether it is about our side, and not about the server. */
bool outcome_is_local(const struct outcome *);

void outcome_set(struct outcome *, int status, const char *fmt, ...)
    attr_printf(3, 4);

#endif
