/*
 * Work that waits for others and cannot be asked to stop: done aside, by a copy
 * of this process that writes its answer into a pipe, so that the loop goes on
 * and may lose patience.
 *
 * The copy has the pipe, /dev/null in place of its standard descriptors, and
 * nothing else of what we hold open; signals do to it what they do by default.
 *
 * Used by: client/resolve.c.
 */
#ifndef PROC_ASIDE_H
#define PROC_ASIDE_H

#include <sys/types.h>

/*
 * Call work(fd, arg) in a copy, which ends when that returns. Gives the read
 * end of its pipe, non-blocking, in *fd; the pid, or -1 with errno. To be ended
 * by aside_end().
 */
pid_t aside_start(int *fd, void (*work)(int fd, void *arg), void *arg);

/* Wait for a copy that has answered, or is not wanted any more. */
void aside_end(pid_t);

#endif
