/*
 * Who serves a request that was let in.
 */
#ifndef ENGINE_ROUTE_H
#define ENGINE_ROUTE_H

struct request;

void route_serve(struct request *);

/* One that no CGI program answers: files, or nothing. */
void route_serve_rest(struct request *);

#endif
