/*
 * Descriptors: everything we make is close-on-exec.
 *
 * Failures are -1 with errno, nothing left open, outputs untouched.
 */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <stdbool.h>
#include <stddef.h>

/* pipe(2), both ends close-on-exec. */
int fd_pipe(int fds[2]);

/* The same with both ends non-blocking. */
int fd_pipe_nonblock(int fds[2]);

/* A SOCK_SEQPACKET pair of Unix sockets, both close-on-exec and non-blocking. */
int fd_seqpacket_pair(int fds[2]);

int fd_set_nonblock(int fd, bool on);
int fd_set_cloexec(int fd, bool on);

/* Close *fd unless it is -1 and make it -1; errno is kept. */
void fd_close(int *fd);
void fd_close2(int fds[2]);

/* Whether somebody, maybe another process, has shut this listening socket. */
bool fd_is_shut(int fd);

/* Descriptors 0 to 2 that are not open become /dev/null: call first in main(). */
int fd_open_standard(void);

/* The same, but writing to what was not open gives EBADF as it would have. */
int fd_open_standard_for_reading(void);

/*
 * Make every descriptor from `first` up that was left open close-on-exec
 * (close_range where it exists, else a walk), so that nothing we inherited
 * reaches a command.
 */
void fd_cloexec_from(int first);

/* Close all of them, in a process that shall hold nothing of what we hold. */
void fd_close_from(int first);

/* Raise the soft limit of open descriptors to the hard one; the result. */
size_t fd_raise_limit(void);

#endif
