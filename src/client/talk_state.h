/*
 * A talk from the inside, for the files that it is made of: talk.c is its life,
 * talk_to_peer.c what we send, talk_to_endpoint.c what we receive, talk_wait.c
 * what it waits for, talk_ping.c pings that somebody wants to see.
 */
#ifndef CLIENT_TALK_STATE_H
#define CLIENT_TALK_STATE_H

#include "client/client.h"
#include "client/local.h"
#include "client/outcome.h"
#include "client/ping_times.h"
#include "client/talk.h"
#include "client/talk_input.h"
#include "client/talk_print.h"
#include "client/talk_stderr.h"
#include "client/talk_v1.h"
#include "client/term_window.h"
#include "codec/framing.h"
#include "flow/deadlines.h"
#include "flow/peer.h"

/* What a talk waits for, besides what it awaits of its peer. */
enum due {
	DUE_SILENCE, /* --wait, after our end of input */
	DUE_ANSWERS, /* the command's last words, when the server is at fault */
	DUE_COUNT,
};

enum { REASON_SIZE = WS_REASON_MAX + 1 };

struct talk {
	struct client *client;      /* kept */
	struct local *local;        /* kept */
	const struct talk_ops *ops; /* kept */
	void *owner;                /* kept */
	struct peer *peer;          /* owned: the server */
	struct peer_rules rules;    /* of it */
	struct talk_input input;
	struct talk_print print;
	struct talk_v1 v1;      /* standpipe.v1, if it is spoken */
	struct framing counted; /* bytes received, as the messages they are */
	struct talk_stderr remote_stderr;
	struct term_window
	    window;        /* of our terminal, which the program may want */
	struct ping *ping; /* owned; NULL: this is not about pings */
	struct ping_times pings; /* that somebody typed */
	struct deadlines deadlines;
	uint64_t due[DUE_COUNT];
	uint64_t sent, sent_bytes; /* messages, and bytes in them */
	uint64_t received, received_bytes;
	struct outcome local_fault;
	const char *fault; /* why we closed; kept; NULL: all is well */
	int fault_status;  /* and the exit status for that */
	bool first_sent;   /* what --send-first says */
	bool input_ended;
	bool told;
};

/* ------------------------------------------------- its life */

/* Whether messages of ours still go out. */
bool talk_may_send(const struct talk *);

/* Whether our side has not taken all that it was given. */
bool talk_output_waits(const struct talk *);

/* End it for a reason (kept), with an exit status. */
void talk_fail(struct talk *, unsigned code, int status, const char *why);

/* ------------------------------------------------- what we send */

/* Go on with our input, if we may; what is to be said before it, first. */
void talk_resume_input(struct talk *);

void talk_on_input(void *owner, uint8_t *data, size_t len);
void talk_on_input_end(void *owner);
void talk_on_window(void *owner, unsigned columns, unsigned rows);

/* ------------------------------------------------- what we receive */

void talk_on_data(void *owner, const struct piece *);
void talk_on_batch(void *owner);

/* Whether all that --count asks for was received. */
bool talk_has_all(const struct talk *);

/* All has come: what was left open is a message, too. */
void talk_end_counting(struct talk *);

/* ------------------------------------------------- what it waits for */

/* Our input has ended: how long we listen to a server that says nothing. */
void talk_await_silence(struct talk *);

void talk_on_due(void *owner, size_t which);

/* ------------------------------------------------- pings to be seen */

extern const struct ping_ops talk_ping_ops;

/* What was typed at a terminal besides messages. */
void talk_on_command(void *owner, const struct term_typed *);
void talk_on_pong(void *owner, const uint8_t *data, size_t len);

#endif
