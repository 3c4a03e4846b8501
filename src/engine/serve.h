/*
 * What an engine does: it hears from the parent what to serve, accepts, and
 * gives every connection, request and program its messages. It knows all of the
 * room; what all of the room stands on is engine.h.
 */
#ifndef ENGINE_SERVE_H
#define ENGINE_SERVE_H

#include <stddef.h>

/*
 * Serve until the parent, which is at the other end of fd (taken), says stop or
 * has gone; the exit status. With max_fds descriptors, a connection is accepted
 * while there is room for the pipes of one more program.
 */
int serve(int fd, size_t max_fds);

#endif
