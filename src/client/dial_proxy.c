#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/mem.h"
#include "base/str.h"
#include "client/client_conf.h"
#include "client/dial_proxy.h"
#include "client/login_secret.h"

extern char **environ;

/* Its value may hold a password, so it is not repeated. */
static bool
read_proxy(struct proxy *p, const char *source, const char *text, char **why)
{
	enum proxy_result rc = proxy_read(p, text);

	if (rc != PROXY_OK)
		*why = mem_printf("%s: %s", source, proxy_strresult(rc));
	return rc == PROXY_OK;
}

/* USER:PASSWORD */
static bool
take_user(struct authority *a, char *text)
{
	char *colon = strchr(text, ':');

	if (colon == NULL)
		return false;
	*colon = '\0';
	a->has_user = true;
	return str_copy(a->user, sizeof(a->user), text) &&
	    str_copy(a->password, sizeof(a->password), colon + 1);
}

static bool
read_user_file(struct dial_proxy *v, const struct client_conf *c, char **why)
{
	struct login_secret s;
	bool ok;

	if (!login_secret_read(&s, c, c->proxy_user, why))
		return false;
	ok = login_secret_is_line(&s) && take_user(&v->user, s.text);
	login_secret_clear(&s);
	if (!ok)
		*why = mem_printf("%s: not one line USER:PASSWORD, each of at"
				  " most %d bytes",
		    c->proxy_user, AUTHORITY_TEXT - 1);
	return ok;
}

bool
dial_proxy_open(struct dial_proxy *v, const struct client_conf *c, char **why)
{
	struct proxy p;
	bool ok;

	*v = (struct dial_proxy){ .fixed = c->proxy != NULL };
	if (v->fixed && strcmp(c->proxy, "none") != 0 &&
	    !read_proxy(&v->proxy, "--proxy", c->proxy, why))
		return false;
	if (v->proxy.at.password[0] != '\0') {
		*why = mem_strdup("--proxy holds a password, which ps(1) shows"
				  " to everybody; --proxy-user-file keeps it");
		return false;
	}
	if (c->proxy_user != NULL && !read_user_file(v, c, why))
		return false;
	ok = dial_proxy_choose(v, &c->to, &p, why);
	authority_wipe(&p.at);
	return ok;
}

static void
set_user(struct authority *a, const struct authority *user)
{
	a->has_user = true;
	memcpy(a->user, user->user, sizeof(a->user));
	memcpy(a->password, user->password, sizeof(a->password));
}

bool
dial_proxy_choose(const struct dial_proxy *v, const struct ws_url *to,
    struct proxy *p, char **why)
{
	const char *name, *text;

	*p = v->proxy;
	if (to->path[0] != '\0') {
		*p = (struct proxy){ .kind = PROXY_NONE };
		return true;
	}
	if (!v->fixed) {
		text = proxy_from_environment(environ, to->at.host, to->tls,
		    &name);
		if (text != NULL && !read_proxy(p, name, text, why)) {
			*p = (struct proxy){ .kind = PROXY_NONE };
			return false;
		}
	}
	if (p->kind != PROXY_NONE && v->user.has_user)
		set_user(&p->at, &v->user);
	return true;
}

void
dial_proxy_close(struct dial_proxy *v)
{
	explicit_bzero(v, sizeof(*v));
}
