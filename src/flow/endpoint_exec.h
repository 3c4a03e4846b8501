/*
 * A program behind three pipes: our ends of them, and how it ended.
 *
 * Who started it tells endpoint_exec_exited(). Its standard error is cut into
 * lines, long ones into several, and always read, a little of it in each turn of
 * the loop, so that it never blocks.
 */
#ifndef FLOW_ENDPOINT_EXEC_H
#define FLOW_ENDPOINT_EXEC_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/ended.h"

struct flow;
struct stream;

enum {
	ENDPOINT_STDERR_LINE = 4096, /* a longer line is cut */
};

struct endpoint_ops {
	/* Output, as the program wrote it; good for the call. */
	void (*on_output)(void *owner, const uint8_t *data, size_t len);
	/* The program closed its standard output, and so did all that had it. */
	void (*on_output_end)(void *owner);
	/* One line of standard error, without its end; good for the call. */
	void (*on_stderr)(void *owner, const uint8_t *line, size_t len);
	/* Those of one turn were given: flush what they made. May be NULL. */
	void (*on_stderr_batch)(void *owner);
	/* Input that was queued has been taken by the program. */
	void (*on_input_drain)(void *owner);
	/* One of its pipes is of no use to us, for what we are short of. */
	void (*on_short)(void *owner, const char *why);
};

struct endpoint_exec {
	struct stream *in, *out, *err;  /* owned; NULL: closed */
	const struct endpoint_ops *ops; /* kept */
	void *owner;                    /* kept */
	struct buf line;                /* an incomplete line of stderr */
	pid_t pid;
	struct ended ended; /* good if exited */
	bool exited;
	bool out_ended;
	bool err_ended;
	bool last;      /* there will be no other turn for standard error */
	bool in_broken; /* the program does not read any more */
};

/*
 * Takes the three descriptors: stdin, stdout, stderr (-1: the program
 * has none that we read). Nothing is read before
 * endpoint_exec_resume() and endpoint_exec_read_stderr().
 */
void endpoint_exec_init(struct endpoint_exec *, struct flow *, const int fd[3],
    pid_t pid, uint64_t max_pipe, const struct endpoint_ops *, void *owner);
void endpoint_exec_clear(struct endpoint_exec *);

/* NULL when there is nobody to write to. */
struct stream *endpoint_exec_input(struct endpoint_exec *);

/* End of input, behind what is queued. */
void endpoint_exec_end_input(struct endpoint_exec *);

/* Whether input waits for the program to read. */
bool endpoint_exec_full(const struct endpoint_exec *);

void endpoint_exec_pause(struct endpoint_exec *);
void endpoint_exec_resume(struct endpoint_exec *);

/* Give one read of its output now, if there is any; unless paused. */
void endpoint_exec_read_output(struct endpoint_exec *);

/* From on_output: what is not taken of it comes again with the next turn. */
void endpoint_exec_put_back(struct endpoint_exec *, const uint8_t *data,
    size_t len);

void endpoint_exec_read_stderr(struct endpoint_exec *);

/* Nobody wants its output any more: whoever still writes gets SIGPIPE. */
void endpoint_exec_close_output(struct endpoint_exec *);

void endpoint_exec_exited(struct endpoint_exec *, struct ended);

/* How it ended, for the log: a status, SIG and a name, or "running". */
void endpoint_exec_put_end(const struct endpoint_exec *, char out[ENDED_BRIEF]);

/* It has exited: give the last of its standard error, what is there of it. */
void endpoint_exec_finish(struct endpoint_exec *);

#endif
