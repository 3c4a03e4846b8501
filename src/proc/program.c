#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "proc/program.h"
#include "proc/spawn.h"

enum { FIRST_LINE = 256 }; /* of a script, as far as the system looks */

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

/* The interpreter that #! names; false: it is no script. */
static bool
read_interpreter(const char *path, char line[FIRST_LINE + 1])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd == -1 ? -1 : read(fd, line, FIRST_LINE);
	char *at;

	fd_close(&fd);
	if (n < 2 || line[0] != '#' || line[1] != '!')
		return false;
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	at = line + 2 + strspn(line + 2, " \t");
	at[strcspn(at, " \t")] = '\0';
	memmove(line, at, strlen(at) + 1);
	return line[0] != '\0';
}

/* One that is not absolute means what it means where the program is started. */
char *
program_judge_script(const char *path)
{
	char name[FIRST_LINE + 1];
	size_t len;

	if (!read_interpreter(path, name) || name[0] != '/' ||
	    access(name, F_OK) == 0)
		return NULL;
	len = strlen(name);
	if (name[len - 1] != '\r')
		return mem_printf("%s: its interpreter %s: %s", path, name,
		    strerror(errno));
	name[len - 1] = '\0';
	return mem_printf("%s: its first line ends in CR LF, and there is no "
			  "interpreter \"%s\\r\"",
	    path, name);
}

static char *
explain_exec(const struct spawn_spec *spec, const char *as, const char *user,
    int err)
{
	char *why = program_judge_script(spec->path);

	if (why != NULL)
		return why;
	if (err == ENOEXEC)
		return mem_printf("%s: no program of this system, and no #! "
				  "line",
		    spec->path);
	if (err == ENOENT && access(spec->path, F_OK) == 0)
		return mem_printf("%s: what is to load it is not there",
		    spec->path);
	return mem_printf("cannot run %s%s%s: %s", spec->path, as, user,
	    strerror(err));
}

char *
program_explain(const struct spawn_spec *spec, int err)
{
	const char *user = spec->user == NULL ? "" : spec->user->name;
	const char *as = user[0] == '\0' ? "" : " as ";

	switch (spawn_failed_at()) {
	case SPAWN_USER:
		return mem_printf("cannot become %s: %s", user, strerror(err));
	case SPAWN_CHDIR:
		return mem_printf("cannot enter %s%s%s: %s", spec->chdir, as,
		    user, strerror(err));
	case SPAWN_EXEC:
		return explain_exec(spec, as, user, err);
	default:
		return mem_strdup(strerror(err));
	}
}
