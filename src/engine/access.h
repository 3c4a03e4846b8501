/*
 * Who may come in. Every request, whatever it is for, goes through the same
 * steps in the same order before anything is served; the first that refuses
 * it has answered it.
 */
#ifndef ENGINE_ACCESS_H
#define ENGINE_ACCESS_H

struct ipc_admitted;
struct request;

enum access_verdict {
	ACCESS_NEXT,    /* nothing against it */
	ACCESS_REFUSED, /* answered, and gone */
	ACCESS_WAIT,    /* not known yet: request_go_on() will be called */
};

/* A complete head is there: let it in and serve it, or refuse it. */
void access_begin(struct request *);

/* The parent was asked whether it may be served, and says this. */
void access_admitted(struct request *, const struct ipc_admitted *);

#endif
