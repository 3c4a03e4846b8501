#include <sys/wait.h>
#if defined(__linux__)
#include <sys/prctl.h>
#elif defined(__FreeBSD__)
#include <sys/procctl.h>
#endif

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "proc/group.h"

void
group_adopt_orphans(void)
{
#if defined(__linux__)
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
#elif defined(__FreeBSD__)
	(void)procctl(P_PID, 0, PROC_REAP_ACQUIRE, NULL);
#endif
}

void
group_signal(pid_t group, int sig)
{
	if (group > 1)
		(void)kill(-group, sig);
}

/*
 * A wait that asks for no exits passes over the dead: it fails with ECHILD when
 * none of our children in the group is alive, and with orphans adopted every
 * member is our child or has one of them above it.
 */
bool
group_lives(pid_t group)
{
#if defined(__linux__)
	siginfo_t si;

	return !(waitid(P_PGID, (id_t)group, &si,
		     WSTOPPED | WNOHANG | WNOWAIT) == -1 &&
	    errno == ECHILD);
#else
	return kill(-group, 0) == 0 || errno != ESRCH;
#endif
}

/* The list is exact for a process that reaps none while it reads. */
pid_t *
group_list_children(void)
{
	FILE *f = fopen("/proc/thread-self/children", "re");
	pid_t *list = NULL;
	size_t n = 0, room = 0;
	int pid = 0;

	if (f == NULL)
		return NULL;
	do {
		if (fscanf(f, "%d", &pid) != 1)
			pid = 0;
		if (n == room) {
			room = room == 0 ? 64 : 2 * room;
			list = mem_grow(list, room, sizeof(*list));
		}
		list[n++] = pid;
	} while (pid != 0);
	fclose(f);
	return list;
}

/* Whether a child of ours has not ended; its exit is left for others. */
static bool
is_alive(pid_t pid)
{
	siginfo_t si = { 0 };

	return waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT) ==
	    0 &&
	    si.si_pid == 0;
}

pid_t
group_find_member(pid_t group)
{
	pid_t *list = group_list_children(), found = 0;

	for (size_t i = 0; list != NULL && list[i] != 0 && found == 0; i++)
		if (getpgid(list[i]) == group && is_alive(list[i]))
			found = list[i];
	free(list);
	return found;
}

void
group_put_name(char *out, size_t size, pid_t pid)
{
	char path[32];
	FILE *f;

	(void)str_copy(out, size, "?");
	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	if ((f = fopen(path, "re")) == NULL)
		return;
	if (fgets(out, (int)size, f) == NULL)
		(void)str_copy(out, size, "?");
	out[strcspn(out, "\n")] = '\0';
	fclose(f);
}
