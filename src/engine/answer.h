/*
 * HTTP answers that end a connection: one response, exactly.
 *
 * Used by: engine/conn.c.
 */
#ifndef ENGINE_ANSWER_H
#define ENGINE_ANSWER_H

#include <stdbool.h>

struct buf;

/*
 * Append an error with its sentence as body, and the fields that its status
 * demands. no_body: the request was HEAD.
 */
void answer_error(struct buf *, unsigned status, const char *why, bool no_body);

/* Append the console page, with a Content-Security-Policy that fits it. */
void answer_console(struct buf *, bool no_body);

#endif
