#include <libgen.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base.h"
#include "base/beside.h"
#include "base/mem.h"

static char *
beside_ourselves(const char *name)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n <= 0)
		return NULL;
	self[n] = '\0';
	return mem_printf("%s/%s", dirname(self), name);
}

char *
beside_find(const char *name, char **why)
{
	char *path = beside_ourselves(name);

	if (path != NULL && access(path, X_OK) == 0)
		return path;
	free(path);
	path = mem_printf("%s/%s", LIBEXECDIR, name);
	if (access(path, X_OK) == 0)
		return path;
	free(path);
	*why = mem_printf("%s is neither beside this program nor in %s", name,
	    LIBEXECDIR);
	return NULL;
}
