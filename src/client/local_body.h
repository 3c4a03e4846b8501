/*
 * What the bodies of local.h share: two streams, and what an owner is told.
 */
#ifndef CLIENT_LOCAL_BODY_H
#define CLIENT_LOCAL_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/local.h"
#include "flow/later.h"

/* As in local.h; all but `clear` may be NULL. */
struct local_body {
	bool (*start)(struct local *, struct outcome *);
	/* For a body that shows text in its own manner. */
	void (*show)(struct local *, const void *text, size_t len);
	bool (*interrupt)(struct local *); /* false: it means others */
	void (*judge)(struct local *, struct outcome *);
	bool (*finish)(struct local *); /* true: local_finished() follows */
	void (*fail)(struct local *);
	void (*hurry)(struct local *);
	/* Frees it, but for the two streams, to which it may write. */
	void (*clear)(struct local *);
};

/* The first member of each body. */
struct local {
	const struct local_body *body; /* kept */
	struct client *client;         /* kept */
	struct stream *in, *out;     /* owned; the same: a socket; NULL: none */
	const struct local_ops *ops; /* kept; NULL: nobody listens */
	void *owner;                 /* kept */
	int framing;
	uint64_t patience;
	unsigned drains; /* how often all that was queued has been taken */
	bool paused;     /* no input is wanted */
	bool in_ended;   /* and the owner, which asked for it, was told */
	bool told_end;
	bool out_lost; /* what is written is dropped */
	bool told_lost;
	unsigned lost_code;      /* what to close with, because of that */
	const char *lost_reason; /* kept; NULL: nothing has to be closed */
	void (*on_finished)(void *owner); /* kept; NULL: nobody waits */
	void *finish_owner;               /* kept */
	struct later finished;            /* on_finished comes from the loop */
};

void local_init(struct local *, const struct local_body *, struct client *);

/*
 * For the bodies, also from callbacks of their streams. What is given while
 * nobody listens is dropped; that output was lost, and the end, wait for the
 * next owner.
 */
void local_give(struct local *, uint8_t *data, size_t len);
void local_give_typed(struct local *, const struct term_typed *);
void local_input_ended(struct local *);
void local_drained(struct local *);
void local_lose_output(struct local *, unsigned code, const char *reason);
void local_finished(struct local *);

/* The kinds; NULL with the reason in *outcome. */
struct local *local_new_stdio(struct client *, struct outcome *);
struct local *local_new_terminal(struct client *, struct outcome *);
struct local *local_new_exec(struct client *, struct outcome *);

#endif
