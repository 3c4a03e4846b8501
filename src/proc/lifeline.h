/*
 * A program that does not outlive the process that has started it.
 */
#ifndef PROC_LIFELINE_H
#define PROC_LIFELINE_H

#include <sys/types.h>

/*
 * In a child, when it is the user that it will be, which would undo this: have
 * TERM sent to it when `parent` dies. A setuid program loses it at exec. Only
 * system calls. -1 with ESRCH: parent is dead by now. Where the system has no
 * such thing, 0.
 */
int lifeline_hold(pid_t parent);

#endif
