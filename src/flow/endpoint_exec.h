/*
 * A program behind three pipes: our ends of them, and how it ended. A body of
 * endpoint.h; the other half of it is with whoever can start programs.
 *
 * Its standard error is cut into lines, long ones into several, and always read,
 * a little of it in each turn of the loop, so that it never blocks.
 *
 * Others may hold the output of a program that has ended. It is over when
 * nothing has come of it for the linger, or was taken of it for so long.
 */
#ifndef FLOW_ENDPOINT_EXEC_H
#define FLOW_ENDPOINT_EXEC_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "flow/complaints.h"
#include "flow/endpoint.h"

struct endpoint_linger;
struct flow;

/* What the other half does; it is given the whole endpoint, which it embeds. */
struct endpoint_exec_ops {
	/* Start the ladder, as if that had been `ago` milliseconds earlier. */
	void (*on_leave)(struct endpoint *, uint32_t ago);
	void (*on_signal)(struct endpoint *, int sig);
	/* The owner has let go: endpoint_exec_clear() is to come. */
	void (*on_free)(struct endpoint *);
};

#define ENDPOINT_LINGERS UINT64_MAX /* for ever */

struct endpoint_exec {
	struct endpoint endpoint;
	const struct endpoint_exec_ops *half; /* kept */
	struct flow *flow;                    /* kept */
	struct stream *to, *from, *err;       /* owned; NULL: closed */
	struct endpoint_linger *linger;       /* owned; NULL: none so far */
	struct buf line;                      /* an unended one of stderr */
	struct complaints complaints;
	struct complainer who;
	uint64_t linger_ms;
	bool paused;
	bool abandoned; /* it may live on */
	bool err_ended;
	bool last; /* there will be no other turn for standard error */
};

/* All kept but the struct. */
struct endpoint_exec_start {
	struct flow *flow;
	const struct endpoint_exec_ops *half;
	const struct endpoint_ops *ops;
	void *owner;
	enum log_level level; /* of standard error in the log */
	uint32_t id;          /* the number of it there */
	uint64_t linger_ms;   /* or ENDPOINT_LINGERS */
};

/* It was asked for. */
void endpoint_exec_init(struct endpoint_exec *,
    const struct endpoint_exec_start *);

/* No owner hears of it any more. */
void endpoint_exec_clear(struct endpoint_exec *);

/*
 * It runs: takes our ends of its stdin, stdout and stderr (-1: it has none that
 * we read), and says so. max_pipe: how far, in bytes, the pipes may be grown.
 */
void endpoint_exec_opened(struct endpoint_exec *, pid_t, const int fd[3],
    uint64_t max_pipe);

/* It has ended; or it may live on, and nobody waits for its end. */
void endpoint_exec_exited(struct endpoint_exec *, struct ended);
void endpoint_exec_abandon(struct endpoint_exec *);

#endif
