/*
 * The session on our side: one transport, one framing and our local side,
 * joined.
 *
 *      input ----> framing ----> messages ----> transport
 *      output <--- framing <---- messages <---- transport
 *
 * The end of input closes nothing: what is received is printed until the
 * server closes, or has been silent for --wait, or has sent --count messages.
 * Then come the closing handshake and the last of the output, and the talk is
 * over.
 */
#ifndef CLIENT_TALK_H
#define CLIENT_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client;
struct facts;
struct local;
struct outcome;
struct stream;
struct talk;

struct talk_ops {
	/* From the loop, once; then only talk_free(). */
	void (*on_over)(void *owner, const struct outcome *);
};

struct talk_start {
	struct client *client;      /* kept */
	struct stream *stream;      /* taken; paused */
	struct local *local;        /* kept */
	struct facts *facts;        /* kept: what was agreed on */
	const struct talk_ops *ops; /* kept */
	void *owner;                /* kept */
};

struct talk *talk_new(const struct talk_start *);

/* From on_over, too; the local side has no owner any more. NULL is accepted. */
void talk_free(struct talk *);

/*
 * Bytes that came after the opening handshake (borrowed, written to); then,
 * once, read on from both sides.
 */
void talk_feed(struct talk *, uint8_t *data, size_t len);
void talk_start_reading(struct talk *);

/* What was said in it so far. */
void talk_tell(const struct talk *, struct facts *);

/* Have the program at the other end signalled; false: that cannot be. */
bool talk_signal(struct talk *, int sig);

/* We end it: a Close, and what follows from it. */
void talk_close(struct talk *, unsigned code, const char *reason);

#endif
