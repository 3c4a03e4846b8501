/*
 * The names worker: a role of this program beside the engines, a process that
 * asks the name servers what DNS calls an address, so that an engine needs no
 * socket but those that it is given.
 *
 * A name counts only if it leads back to the address. The servers are asked over
 * sockets that exist before the worker is confined: what resolv.conf says
 * afterwards does not matter. Questions of one engine are bounded; more of them
 * stay in its socket.
 */
#ifndef ENGINE_NAMEWORKER_H
#define ENGINE_NAMEWORKER_H

/* Serve the parent on descriptor 0 until it goes; the exit status. */
int nameworker_run(void);

#endif
