/*
 * What a route leads to: bytes go in, bytes come out, and it ends by itself or
 * because nobody wants it any more.
 *
 *   asked for ---> open ---> over
 *        \-> refused: gone
 *
 * Its maker (engine/program, for programs) gives it before it is open; its owner
 * frees it, but for one that was refused or dropped. Each way closes on its own:
 * the end of the input is the owner's to say, that of the output the
 * endpoint's.
 *
 * The bodies are endpoint_BODY.c; nobody but a maker names one.
 */
#ifndef FLOW_ENDPOINT_H
#define FLOW_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ended.h"
#include "base/log.h"
#include "ipc/ipc.h"

struct endpoint;
struct stream;

enum { ENDPOINT_STDERR_LINE = 4096 }; /* a longer line is cut */

/*
 * What the owner hears, also from inside its own calls. It may call back, but
 * not endpoint_free(), unless that is said.
 */
struct endpoint_ops {
	/* It runs, is connected: bytes can flow. The owner may free it. */
	void (*on_open)(void *owner);
	/* It cannot be had, and is gone after the call. */
	void (*on_refused)(void *owner, enum ipc_refusal, int err);
	/* Output, as it came; good for the call. */
	void (*on_output)(void *owner, const uint8_t *data, size_t len);
	/* There will be no more of it. Once. */
	void (*on_output_end)(void *owner);
	/*
	 * A line of standard error, without its end; good for the call. True:
	 * the log shall not have it. NULL: the log has them all.
	 */
	bool (*on_stderr)(void *owner, const uint8_t *line, size_t len);
	/* Those of one turn were given: flush what they made. May be NULL. */
	void (*on_stderr_batch)(void *owner);
	/* Input that was queued has been taken, or never will be. */
	void (*on_input_drain)(void *owner);
	/* It is of no use to us, for what we are short of (static). */
	void (*on_short)(void *owner, const char *why);
	/*
	 * Its output and it have ended; or it lives on, and nobody is to wait
	 * for it. Once.
	 */
	void (*on_over)(void *owner);
	/* The process ends: free everything at once, the endpoint too. */
	void (*on_drop)(void *owner);
};

/* What the bodies do. What may be NULL has nothing to do then. */
struct endpoint_body {
	void (*end_input)(struct endpoint *);
	void (*pause)(struct endpoint *);
	void (*resume)(struct endpoint *);
	void (*put_back)(struct endpoint *, const uint8_t *data, size_t len);
	void (*close_output)(struct endpoint *);
	void (*read_stderr)(struct endpoint *);         /* or NULL */
	void (*read_last)(struct endpoint *);           /* or NULL */
	void (*leave)(struct endpoint *, uint32_t ago); /* or NULL */
	void (*signal)(struct endpoint *, int sig);     /* or NULL */
	struct log_field (*name)(struct endpoint *);
	void (*free)(struct endpoint *);
};

/* The first member of each body. Read only for owners. */
struct endpoint {
	const struct endpoint_body *body; /* kept */
	const struct endpoint_ops *ops;   /* kept; NULL: it has no owner */
	void *owner;                      /* kept */
	struct stream *in;  /* the body's: for input; NULL: nobody reads */
	struct ended ended; /* good if exited */
	bool exited;        /* it was a process, and has ended */
	bool out_ended;     /* no more output comes */
	bool over;          /* on_over has come */
};

/* Whoever takes it over sets itself; keeps both. */
void endpoint_set_owner(struct endpoint *, const struct endpoint_ops *,
    void *owner);

/* Where input is written to, borrowed; NULL: nobody reads any. */
static inline struct stream *
endpoint_input(const struct endpoint *e)
{
	return e->in;
}

/* Whether input waits to be taken. */
bool endpoint_is_full(const struct endpoint *);

/* End of input, after what is queued. */
void endpoint_end_input(struct endpoint *);

/* on_output does or does not come. At first it does not. */
void endpoint_pause(struct endpoint *);
void endpoint_resume(struct endpoint *);

/*
 * From on_output: the last bytes of what was given come again with the next
 * turn of the loop.
 */
void endpoint_put_back(struct endpoint *, const uint8_t *data, size_t len);

/* Nobody wants its output any more, which has ended then. From the loop. */
void endpoint_close_output(struct endpoint *);

/*
 * Read its standard error as it comes; or, once it is over, what is there of it
 * now: its last words.
 */
void endpoint_read_stderr(struct endpoint *);
void endpoint_read_last(struct endpoint *);

/*
 * Its client has gone, `ago` milliseconds ago: have it end. Once; nothing if it
 * has ended.
 */
void endpoint_leave(struct endpoint *, uint32_t ago);

/* Have it get a signal of those that clients may send. */
void endpoint_signal(struct endpoint *, int sig);

/* What the log knows it by: one field. */
struct log_field endpoint_name(struct endpoint *);

/* How it ended, for the log: as ended_put_brief(), or "running". */
void endpoint_put_end(const struct endpoint *, char out[ENDED_BRIEF]);

/* Let it go: it leaves, and its end is its maker's matter. NULL is accepted. */
void endpoint_free(struct endpoint *);

/* For the bodies: it is over. */
void endpoint_set_over(struct endpoint *);

#endif
