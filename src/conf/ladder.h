/*
 * The kill ladder as text: "EOF:2s,TERM:3s,KILL", or "none".
 *
 * A rung is EOF or a signal's name, with or without SIG. All but the last are
 * followed by how long to wait before the next; a wait after the last has no
 * effect. The last is a signal, and KILL can only be the last.
 */
#ifndef CONF_LADDER_H
#define CONF_LADDER_H

#include <stdbool.h>

#include "conf/conf.h"

enum { LADDER_TEXT = 512 }; /* bytes that any ladder fits into */

/* False, with the reason as a static text in *why and *out untouched. */
bool ladder_read(const char *text, struct conf_ladder *out, const char **why);

/* A text from which ladder_read() makes the same ladder. */
void ladder_write(const struct conf_ladder *, char out[LADDER_TEXT]);

#endif
