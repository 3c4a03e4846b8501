/*
 * Process groups: what a command and everything it started is to us.
 *
 * A group's number stays ours while its leader has not been reaped.
 */
#ifndef PROC_GROUP_H
#define PROC_GROUP_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

/*
 * Ask the system to hand us the orphans of our commands (Linux: subreaper;
 * FreeBSD: procctl). Without it group_lives() has to guess.
 */
void group_adopt_orphans(void);

/* Signal every member; a group without members is no error. */
void group_signal(pid_t group, int sig);

/*
 * Whether anybody in the group is alive, its dead leader aside. Where the
 * system cannot say, the answer is yes.
 */
bool group_lives(pid_t group);

/*
 * A living process of a group whose leader is dead; 0: there is none, or the
 * system does not tell.
 */
pid_t group_find_member(pid_t group);

/* What a process calls itself, as in ps(1); "?" where that is not known. */
void group_put_name(char *out, size_t size, pid_t);

/*
 * Gives the numbers of our children, orphans and the unreaped included, with a
 * 0 after them; NULL where the system does not tell (Linux does, in /proc).
 */
pid_t *group_list_children(void);

#endif
