#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/beside.h"
#include "base/mem.h"
#include "client/full.h"

/*
 * What we start might be this program again, under the other name. The mark
 * has our process's number, which stays the same when we become another.
 */
static bool
is_second_time(void)
{
	const char *mark = getenv(FULL_MARK);
	char pid[24];

	(void)snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	if (mark != NULL && strcmp(mark, pid) == 0)
		return true;
	return setenv(FULL_MARK, pid, 1) == -1;
}

bool
full_become(char **argv, char **why)
{
	char *path;

	if (is_second_time()) {
		*why = mem_strdup("standpipe-full is not what it should be");
		return false;
	}
	if ((path = beside_find("standpipe-full", why)) == NULL)
		return false;
	(void)execv(path, argv);
	*why = mem_printf("%s: %s", path, strerror(errno));
	free(path);
	return false;
}
