/*
 * A request that a CGI program answers (RFC 3875): its body streams into the
 * program, what the program prints streams to the client.
 *
 * The client has its answer when the output ends, or is as long as announced.
 * The program may work on; its end is awaited here, and logged. If the client
 * goes first, or the answer is none, the program gets the kill ladder.
 */
#ifndef ENGINE_CGI_H
#define ENGINE_CGI_H

struct request;

/* Answers a request that no program answers. */
typedef void cgi_rest_fn(struct request *);

/* Takes over the request's answer; if there is no such program, it is rest's. */
void cgi_start(struct request *, cgi_rest_fn *rest);

#endif
