/*
 * Standard input and output as streams, and files that are named.
 *
 * The standard descriptors are shared with whoever started us, and with those
 * that run after us: what they are set to stays as it is, O_NONBLOCK first of
 * all. A pipe or a terminal is opened once more, which gives a description of
 * our own; what cannot be opened again (a socket), or must not be (a file has
 * its offset there), is read and written in another manner.
 */
#ifndef FLOW_STDIO_H
#define FLOW_STDIO_H

struct flow;
struct stream;

/*
 * What descriptor 0 is, as a source, or 1 or 2, as a sink. /dev/null takes the
 * place of 0 and of 1, so that freeing the stream lets go of what it was. Keeps
 * flow. NULL with errno.
 *
 * on_lost of a sink comes as soon as nobody reads it.
 */
struct stream *stdio_open(struct flow *, int fd);

/* A file as a source; keeps flow. NULL with errno. */
struct stream *stdio_open_file(struct flow *, const char *path);

#endif
