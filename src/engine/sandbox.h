/*
 * What a process that reads the network gives up once it has everything it
 * needs: new privileges, new processes, files, other sockets, and every way to
 * reach somebody but through the descriptors it has.
 *
 * One of sandbox_linux.c (with its parts) and sandbox_none.c is built.
 */
#ifndef ENGINE_SANDBOX_H
#define ENGINE_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

struct sandbox {
	const char *who;   /* borrowed: what the log calls us */
	int how;           /* enum conf_sandbox */
	const int *folder; /* borrowed: files below them can still be read */
	size_t nfolders;
	bool asks; /* it sends datagrams to name servers */
};

/*
 * Cannot be undone. What the system does not offer is logged and left out.
 * Listening sockets, and those to the system's log, must be open already: they
 * are shared with others, who would notice what is changed about them.
 */
void sandbox_enter(const struct sandbox *);

#endif
