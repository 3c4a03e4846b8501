#include <string.h>

#include "base/base.h"
#include "base/log.h"
#include "base/str.h"
#include "conf/compat.h"
#include "conf/options.h"
#include "conf/value.h"

void
compat_preset(struct conf *c)
{
	const struct option *o;
	char *why;

	for (o = options; o->name != NULL; o++) {
		void *about = option_about(&daemon_table, c, o);

		if (o->websocketd == NULL)
			continue;
		if (!value_set(about, o, o->websocketd, &why))
			bug("default: %s", why);
		if (o->given != 0)
			*value_given(about, o) = false;
		if (o->type == OPT_COMMAS || o->type == OPT_LIST)
			((struct conf_list *)value_field(about, o))->preset =
			    true;
	}
}

void
compat_finish(struct conf *c)
{
	enum { HTTPS = 443 };

	if (c->compat == CONF_COMPAT_WEBSOCKETD && !c->port_given &&
	    c->ssl != CONF_SSL_OFF)
		c->port = HTTPS;
}

static bool
is_one_of(const struct option *o, const char *const *names)
{
	for (; *names != NULL; names++) {
		if (strcmp(o->name, *names) == 0)
			return true;
	}
	return false;
}

/* The text as websocketd understands it; NULL: as if it had not been given. */
static const char *
translate(const struct option *o, const char *text)
{
	static const char *const ports[] = { "port", "redirport", NULL };
	static const char *const counts[] = { "maxforks", "maxframesize",
		"closems", "pingms", NULL };
	static const char *const texts[] = { "address", "unixsocket", "origin",
		"sslcert", "sslkey", "sslca", "dir", "staticdir", "cgidir",
		NULL };

	if (strcmp(text, "0") == 0 && is_one_of(o, ports))
		return NULL;
	if (text[0] == '\0' && is_one_of(o, texts))
		return NULL;
	if (text[0] == '\0' && strcmp(o->name, "passenv") == 0)
		return "PATH"; /* which is passed on in any case */
	if (text[0] == '-' && text[1] != '\0' &&
	    strspn(text + 1, "0123456789") == strlen(text + 1) &&
	    is_one_of(o, counts))
		return "0";
	return text;
}

/*
 * The subprotocol that websocketd would answer, whatever the client offers; or
 * NULL.
 */
static const char *
subprotocol_of(const struct option *o, const char *text)
{
	static const char *const headers[] = { "header", "header-ws", NULL };
	static const char field[] = "Sec-WebSocket-Protocol:";
	size_t len = sizeof(field) - 1;

	if (!is_one_of(o, headers) ||
	    !str_ieqn(text, strnlen(text, len), field, len))
		return NULL;
	return text + len + strspn(text + len, " \t");
}

static bool
set_as_websocketd(void *about, const struct option *o, const char *text,
    char **why)
{
	static const char *const single[] = { "origin", "passenv", NULL };
	const char *subprotocol = subprotocol_of(o, text);

	if (subprotocol != NULL) {
		o = option_find(&daemon_table, "subprotocol",
		    strlen("subprotocol"));
		return value_set(about, o, subprotocol, why);
	}
	if ((text = translate(o, text)) == NULL)
		return true;
	if (!value_set(about, o, text, why))
		return false;
	if (is_one_of(o, single))
		((struct conf_list *)value_field(about, o))->preset = true;
	return true;
}

bool
compat_set(struct conf *c, const struct option *o, const char *text, char **why)
{
	void *about = option_about(&daemon_table, c, o);

	return c->compat == CONF_COMPAT_WEBSOCKETD
	    ? set_as_websocketd(about, o, text, why)
	    : value_set(about, o, text, why);
}
