/*
 * Who serves a request that was let in: upgrade, cgi, file, or a page of our
 * own.
 */
#ifndef ENGINE_DISPATCH_H
#define ENGINE_DISPATCH_H

struct request;

void dispatch(struct request *);

#endif
