/*
 * The gate: a step of access.c. A program that was configured is asked about
 * the request, with the variables of a CGI program and nothing to read.
 *
 * If it exits with 0, the request goes on, and the NAME=value lines that it
 * printed are variables of the request's program, as far as the configuration
 * allows. Otherwise what it printed is the client's answer, as that of a CGI
 * program, and 403 if that is none. A gate that cannot be started, dies of a
 * signal, prints too much or takes too long lets nobody in: 503.
 *
 * Until its end is known it is the request's handler; if the client goes, it
 * gets the kill ladder.
 */
#ifndef ENGINE_GATE_H
#define ENGINE_GATE_H

#include "engine/access.h"

enum access_verdict gate_check(struct request *);

#endif
