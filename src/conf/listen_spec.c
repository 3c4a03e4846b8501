#include <sys/socket.h>
#include <sys/un.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/listen_spec.h"
#include "conf/names.h"

enum { FD_NAME_MAX = 255 }; /* systemd's own limit */

/* Whether *p begins with that word; then *p is after it. */
static bool
skip(const char **p, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(*p, word, len) != 0)
		return false;
	*p += len;
	return true;
}

static bool
set_tls(struct listen_spec *s, enum listen_tls tls)
{
	if (s->tls != LISTEN_PLAIN)
		return false;
	s->tls = tls;
	return true;
}

static bool
set_proxy(struct listen_spec *s)
{
	if (s->proxy)
		return false;
	s->proxy = true;
	return true;
}

/* A host that is called "tls" cannot be listened on: it is the prefix. */
static bool
read_prefixes(struct listen_spec *s, const char **p)
{
	for (;;) {
		bool ok;

		if (skip(p, "tls:"))
			ok = set_tls(s, LISTEN_TLS);
		else if (skip(p, "auto:"))
			ok = set_tls(s, LISTEN_AUTO);
		else if (skip(p, "proxy:"))
			ok = set_proxy(s);
		else
			return true;
		if (!ok)
			return false;
	}
}

static bool
set_where(struct listen_spec *s, enum listen_kind kind, const char *p,
    size_t len)
{
	s->kind = kind;
	s->where = p;
	s->where_len = len;
	return len > 0;
}

static bool
read_path(struct listen_spec *s, const char *p)
{
	char *path = name_socket(p);

	free(path);
	return path != NULL && set_where(s, LISTEN_UNIX, p, strlen(p));
}

/* What sd_listen_fds_with_names(3) allows: printable, without a colon. */
static bool
read_fd(struct listen_spec *s, const char *p)
{
	size_t len = strlen(p);

	for (size_t i = 0; i < len; i++) {
		if (p[i] <= ' ' || p[i] >= 0x7f || p[i] == ':')
			return false;
	}
	return len <= FD_NAME_MAX && set_where(s, LISTEN_FD, p, len);
}

/* name_address() also takes an IPv6 address that stands bare. */
static bool
is_host(const char *p, size_t len)
{
	char *text, *address;

	if (p[0] != '[' && memchr(p, ':', len) != NULL)
		return false;
	text = mem_strndup(p, len);
	address = name_address(text);
	free(text);
	free(address);
	return address != NULL;
}

static bool
read_address(struct listen_spec *s, const char *p)
{
	const char *colon = strrchr(p, ':');
	size_t len = colon == NULL ? 0 : (size_t)(colon - p);
	uint64_t port;

	if (len == 0 || !str_uint(colon + 1, 65535, &port) || !is_host(p, len))
		return false;
	s->port = (unsigned)port;
	if (p[0] == '[')
		return set_where(s, LISTEN_TCP, p + 1, len - 2);
	return set_where(s, LISTEN_TCP, p, len);
}

bool
listen_spec_read(struct listen_spec *s, const char *text)
{
	*s = (struct listen_spec){ .kind = LISTEN_TCP };
	if (!read_prefixes(s, &text))
		return false;
	if (skip(&text, "unix:"))
		return read_path(s, text);
	if (skip(&text, "fd:"))
		return read_fd(s, text);
	return read_address(s, text);
}

char *
listen_spec_item(const char *text)
{
	static const char *const tls[] = {
		[LISTEN_PLAIN] = "",
		[LISTEN_TLS] = "tls:",
		[LISTEN_AUTO] = "auto:",
	};
	const char *proxy;
	struct listen_spec s;

	if (!listen_spec_read(&s, text))
		return NULL;
	proxy = s.proxy ? "proxy:" : "";
	if (s.kind == LISTEN_UNIX)
		return mem_printf("%s%sunix:%s", proxy, tls[s.tls], s.where);
	if (s.kind == LISTEN_FD)
		return mem_printf("%s%sfd:%s", proxy, tls[s.tls], s.where);
	return mem_printf(memchr(s.where, ':', s.where_len) != NULL
		? "%s%s[%.*s]:%u"
		: "%s%s%.*s:%u",
	    proxy, tls[s.tls], (int)s.where_len, s.where, s.port);
}
