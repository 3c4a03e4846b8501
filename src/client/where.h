/*
 * What the URL on the command line says.
 */
#ifndef CLIENT_WHERE_H
#define CLIENT_WHERE_H

#include <stdbool.h>

struct client_conf;

/* Read conf->url into conf->to. False and an owned sentence in *why. */
bool where_read(struct client_conf *, char **why);

#endif
