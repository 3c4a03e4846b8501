/*
 * A route: what is served under a host and a path, with all that belongs to it.
 * A request gets its own as soon as it is known whom it is from, and goes by it
 * from there on (rq->route), as does the session that it becomes.
 */
#ifndef ENGINE_ROUTE_H
#define ENGINE_ROUTE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/fields.h"
#include "engine/tokens.h"
#include "flow/peer.h"
#include "ipc/ipc.h"

struct conf_route;
struct pages;
struct request;

struct route {
	uint32_t index;                /* its number, for the parent */
	const struct conf_route *conf; /* kept; NULL: they are not there yet */
	const char *host;              /* kept; in small letters; NULL: any */
	const char *path;        /* kept; it and what is beneath; NULL: any */
	int folder[IPC_FOLDERS]; /* owned; -1: none */
	struct pages *pages;     /* owned; for errors; NULL: none */
	struct fields ws, http;  /* added to a 101, and to all other answers */
	struct tokens tokens;
	struct peer_rules peer; /* for the clients of its sessions */
};

void route_init(struct route *, uint32_t index);
void route_clear(struct route *);

/*
 * The settings (kept) are there, and so are the folders: do what takes reading,
 * while that is still allowed.
 */
void route_prepare(struct route *, const struct conf_route *);

/* The first of v[0..n) that is for the request's host and path; NULL: none. */
const struct route *route_choose(const struct route *v, size_t n,
    const struct request *);

#endif
