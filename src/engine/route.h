/*
 * Who serves a request that was let in.
 *
 * Used by: engine/access.c.
 */
#ifndef ENGINE_ROUTE_H
#define ENGINE_ROUTE_H

struct request;

void route_serve(struct request *);

#endif
