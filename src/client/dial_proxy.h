/*
 * Which proxy a connection goes through, if any: what --proxy says, or else the
 * environment, with the user of --proxy-user-file.
 */
#ifndef CLIENT_DIAL_PROXY_H
#define CLIENT_DIAL_PROXY_H

#include <stdbool.h>

#include "codec/proxy_choice.h"

struct client_conf;
struct ws_url;

struct dial_proxy {
	bool fixed;            /* --proxy was given: the environment is mute */
	struct proxy proxy;    /* that one; PROXY_NONE: none at all */
	struct authority user; /* of --proxy-user-file: nothing but a user */
};

/*
 * Read what the options say, and try what the environment says about conf->to.
 * False and an owned sentence in *why.
 */
bool dial_proxy_open(struct dial_proxy *, const struct client_conf *,
    char **why);

/*
 * The one to that URL; secret, PROXY_NONE for none. False and an owned sentence
 * in *why if the environment names something else.
 */
bool dial_proxy_choose(const struct dial_proxy *, const struct ws_url *to,
    struct proxy *, char **why);

void dial_proxy_close(struct dial_proxy *); /* wipes it */

#endif
