/*
 * Our side of a call: where the bytes come from that are sent, and where those
 * go that were received. Standard input and output.
 *
 * It outlives a call, so that the next one can go on with it.
 *
 * Used by: client/main.c, talk.c.
 */
#ifndef CLIENT_LOCAL_H
#define CLIENT_LOCAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flow;
struct local;
struct outcome;
struct stream;

struct local_ops {
	/* Bytes to send, as they came; written to, good for the call. */
	void (*on_input)(void *owner, uint8_t *data, size_t len);
	/* There will be no more of them. Once. */
	void (*on_input_end)(void *owner);
	/* What was queued for output has been taken. */
	void (*on_output_drain)(void *owner);
	/* Nobody takes our output any more. Once. */
	void (*on_output_lost)(void *owner, int err);
};

/*
 * Standard input and output; keeps flow. Input is paused. NULL, with the reason
 * in *outcome.
 */
struct local *local_new_stdio(struct flow *, struct outcome *);
void local_free(struct local *); /* NULL is accepted */

/* Keeps both; NULL: nobody listens, and input is paused. */
void local_set_owner(struct local *, const struct local_ops *, void *owner);

void local_pause(struct local *);
void local_resume(struct local *);

/* Where output is written to, borrowed; NULL when it was lost. */
struct stream *local_output(struct local *);

/* Whether a terminal shows what is written there. */
bool local_is_shown(const struct local *);

/* Bytes that wait to be taken. */
size_t local_queued(const struct local *);

/* Tell what went wrong here, if all is well so far. */
void local_judge(const struct local *, struct outcome *);

#endif
