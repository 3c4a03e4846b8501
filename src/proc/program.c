#include <sys/stat.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "proc/program.h"

static bool
is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    access(path, X_OK) == 0;
}

char *
program_find(const char *name, const char *search)
{
	char *found = NULL, *p;

	if (strchr(name, '/') != NULL) {
		if ((found = realpath(name, NULL)) != NULL &&
		    !is_program(found)) {
			free(found);
			errno = EACCES;
			return NULL;
		}
		free(found);
		if (found == NULL)
			return NULL;
		/* the name as it was given, so that links keep their meaning */
		if (name[0] == '/')
			return mem_strdup(name);
		if ((p = getcwd(NULL, 0)) == NULL)
			return NULL;
		found = mem_printf("%s/%s", p, name);
		free(p);
		return found;
	}
	while (*search != '\0') {
		size_t len = strcspn(search, ":");

		if (len > 0 && search[0] == '/') {
			p = mem_printf("%.*s/%s", (int)len, search, name);
			if (is_program(p))
				return p;
			free(p);
		}
		search += len + (search[len] == ':');
	}
	errno = ENOENT;
	return NULL;
}
