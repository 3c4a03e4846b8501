/*
 * Work that waits for others and cannot be asked to stop: done aside, by a copy
 * of this process that writes its answer into a pipe, so that the loop goes on
 * and may lose patience.
 *
 * The copy has the pipe, /dev/null in place of its standard descriptors, and
 * nothing else of what we hold open; signals do to it what they do by default.
 */
#ifndef PROC_ASIDE_H
#define PROC_ASIDE_H

#include <sys/types.h>

/*
 * Call work(fd, arg) in a copy, which ends when that returns. Gives the read
 * end of its pipe, non-blocking, in *fd; the pid, or -1 with errno. Then one of
 * the two below.
 */
pid_t aside_start(int *fd, void (*work)(int fd, void *arg), void *arg);

/*
 * Reap a copy that has answered and ends by itself. It is not signalled: whoever
 * else reaps children here may have been first, and the number be another's.
 */
void aside_reap(pid_t);

/* End a copy whose answer is not wanted any more, and reap it. */
void aside_end(pid_t);

#endif
