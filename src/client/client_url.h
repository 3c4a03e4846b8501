/*
 * What the URL on the command line says.
 */
#ifndef CLIENT_CLIENT_URL_H
#define CLIENT_CLIENT_URL_H

#include <stdbool.h>

struct client_conf;

/* Read conf->url into conf->to. False and an owned sentence in *why. */
bool client_url_read(struct client_conf *, char **why);

#endif
