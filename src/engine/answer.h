/*
 * Short answers of our own: what programs are refused with, and the console
 * page.
 */
#ifndef ENGINE_ANSWER_H
#define ENGINE_ANSWER_H

#include <stdbool.h>

#include "engine/refusal.h"
#include "ipc/ipc.h"

struct buf;
struct request;

/* The program that a request wanted does not run: log and answer why. */
void answer_not_started(struct request *, enum ipc_refusal, int err);

/* The log's part of it, if there is none and somebody else answers. */
void answer_note_missing(const struct request *, int err);

/* An error of ours, with its peer and its path. */
void answer_note_failed(const struct request *, const char *what, int err);

/* The variables of a request do not fit into vars, or into our memory. */
void answer_too_big(struct request *, const struct buf *vars);

/*
 * Whether a program can be asked for and its pipes have room, or a file has;
 * false: that was the answer.
 */
bool answer_may_start(struct request *);
bool answer_may_open(struct request *);

/* The console page, with a Content-Security-Policy that fits it. */
void answer_console(struct request *);

#endif
