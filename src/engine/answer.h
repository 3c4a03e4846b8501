/*
 * Short answers of our own: errors, and the console page.
 */
#ifndef ENGINE_ANSWER_H
#define ENGINE_ANSWER_H

#include <stdint.h>

#include "engine/conn.h"
#include "ipc/ipc.h"

struct buf;
struct request;

/*
 * Answer with an error: the page for it, if there is one and the client can do
 * with it, else its sentence, and the fields that its status demands.
 * conn_refuse() logs and calls this.
 */
void answer_error(struct request *, const struct refusal *);

/* The program that a request wanted does not run: log and answer why. */
void answer_not_started(struct request *, enum ipc_refusal, int err);

/* The log's part of it, if there is none and somebody else answers. */
void answer_note_missing(const struct request *, int err);

/* An error of ours, with its peer and its path. */
void answer_note_failed(const struct request *, const char *what, int err);

/* The variables of a request do not fit into vars, or into our memory. */
void answer_too_big(struct conn *, const struct buf *vars);

/* What is answered when we are short of `why`, which is static. */
struct refusal answer_short(const char *why);

/* Whether a program's pipes have room here; false: that was the answer. */
bool answer_may_start(struct conn *);

/* The console page, with a Content-Security-Policy that fits it. */
void answer_console(struct conn *);

#endif
