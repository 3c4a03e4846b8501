#include <string.h>

#include "base/base.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/conf.h"
#include "parent/route.h"

/*
 * A program that is asked for as a file would show its source, and a file that
 * somebody puts there would be a program.
 */
static bool
lies_apart(const struct folder *files, const struct folder *programs,
    const char *option, char **why)
{
	if (programs->fd == -1 ||
	    (!folder_holds(files, programs) && !folder_holds(programs, files)))
		return true;
	*why = mem_printf("--%s=%s and --staticdir=%s lie in each other: "
			  "programs would be served as files",
	    option, programs->path, files->path);
	return false;
}

/* Engines read what is in them, and need no way there of their own. */
static bool
open_folders(struct route *r, char **why)
{
	const struct conf_route *conf = r->conf;
	struct folder *files = &r->folder[IPC_FOLDER_STATIC];

	if (conf->errordir != NULL &&
	    !folder_open(&r->folder[IPC_FOLDER_ERRORS], "errordir",
		conf->errordir, why))
		return false;
	if (conf->staticdir == NULL)
		return true;
	if (!folder_open(files, "staticdir", conf->staticdir, why))
		return false;
	r->command.root = files->path;
	return lies_apart(files, &r->command.dir, "dir", why) &&
	    lies_apart(files, &r->command.cgidir, "cgidir", why);
}

bool
route_open(struct route *r, const struct route_start *s, char **why)
{
	*r = (struct route){ .conf = s->route, .index = s->index };
	for (size_t i = 0; i < nitems(r->folder); i++)
		r->folder[i].fd = -1;
	if (!command_open(&r->command, s->conf, s->route, why))
		return false;
	if (open_folders(r, why) &&
	    secrets_open(&r->secrets,
		&(struct secrets_start){
		    .loop = s->loop,
		    .conf = s->route,
		    .route = s->index,
		    .fn = s->on_secret,
		    .arg = s->owner,
		},
		why))
		return true;
	route_close(r);
	return false;
}

void
route_close(struct route *r)
{
	secrets_close(&r->secrets);
	for (size_t i = 0; i < nitems(r->folder); i++)
		folder_close(&r->folder[i]);
	command_close(&r->command);
}

bool
route_may_signal(const struct route *r, int sig)
{
	const struct conf_list *list = &r->conf->client_signals;
	const char *name = str_signal_name(sig);

	for (size_t i = 0; name != NULL && i < list->n; i++)
		if (strcmp(list->v[i], name) == 0)
			return true;
	return false;
}
