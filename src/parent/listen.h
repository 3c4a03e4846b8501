/*
 * The sockets that clients arrive at. They are bound here or come from whoever
 * started us, outlive any engine, and are handed to each.
 *
 * The room sock knows how; this puts together what the settings ask for.
 */
#ifndef PARENT_LISTEN_H
#define PARENT_LISTEN_H

#include <stdbool.h>

#include "ipc/ipc.h"
#include "sock/listen_set.h"

struct conf;

/*
 * Open everything that the settings name. False, with nothing left open and an
 * owned sentence in *why.
 */
bool listen_open(struct listen_set *, const struct conf *, char **why);

/*
 * Gives what people are told: "http://127.0.0.1:8080/", "unix:/path", and in
 * brackets after it what is special; NULL if there is nothing to tell.
 */
char *listen_describe(const struct listen_socket *);

/*
 * Say in the log where we listen, and to ready_fd (-1: nobody), which is closed
 * then.
 */
void listen_announce(const struct listen_set *, int ready_fd);

/*
 * Make a socket anew that an engine has spoilt for the others, and say so. True
 * if there is another one now, which is to be handed to all of them.
 */
bool listen_mend(struct listen_socket *, const struct conf *);

/* How clients that arrive there are received. */
const struct ipc_listen *listen_how(const struct listen_socket *);

#endif
