/*
 * Whether a password is right: what the auth worker says, and what it said
 * within the last minute.
 *
 * Questions under way are few, for one customer's addresses even fewer, and a
 * question that is asked again joins the one before it. Right answers are remembered as digests under a key that
 * nobody else has. When the worker is lost, whoever waits hears that nothing
 * is known.
 */
#ifndef ENGINE_PASSWORDS_H
#define ENGINE_PASSWORDS_H

#include <stdbool.h>
#include <stdint.h>

struct addr;
struct event_base;
struct passwords;

enum passwords_verdict {
	PASSWORDS_RIGHT,
	PASSWORDS_WRONG,
	PASSWORDS_UNKNOWN, /* too many ask, or nobody answers: try again */
	PASSWORDS_ASKED,   /* on_answer() will bring one of the others */
};

struct passwords_check;

/* Somebody who waits, embedded in his own struct. */
struct passwords_ask {
	void (*on_answer)(void *owner, enum passwords_verdict);
	void *owner;                        /* kept */
	struct passwords_check *check;      /* NULL: it waits no more */
	struct passwords_ask *next, **link; /* all of the check */
};

/* Gives it; libcrypto has loaded what this takes. Keeps the base. */
struct passwords *passwords_new(struct event_base *);
void passwords_free(struct passwords *);

/* Takes an end of a new socket to the worker: the one before has gone. */
void passwords_connect(struct passwords *, int fd);

/* The file has changed: remember nothing. */
void passwords_forget(struct passwords *);

/* Who wants to come in where; all borrowed. */
struct passwords_login {
	uint32_t route;
	const struct addr *client;
	const char *user, *password;
};

/*
 * Is it right? PASSWORDS_ASKED keeps `ask`, whose first two fields are set,
 * until its on_answer() is called or passwords_leave() is; then it is unused.
 */
enum passwords_verdict passwords_check(struct passwords *,
    const struct passwords_login *, struct passwords_ask *ask);
void passwords_leave(struct passwords_ask *);

#endif
