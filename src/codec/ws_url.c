#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/str.h"
#include "codec/url.h"
#include "codec/ws_url.h"

enum {
	PORT_PLAIN = 80,
	PORT_TLS = 443,
	LOCATION_MAX = WS_URL_TARGET + 1024,
};

static const struct scheme {
	const char *name;
	bool tls;
	bool local; /* a Unix socket */
} schemes[] = {
	{ "ws", false, false },
	{ "wss", true, false },
	{ "http", false, false },
	{ "https", true, false },
	{ "ws+unix", false, true },
	{ "wss+unix", true, true },
};

/* What may not be anywhere in a URL. */
static enum ws_url_result
check_chars(const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '#')
			return WS_URL_ERR_FRAGMENT;
		if (*s <= ' ' && (unsigned char)*s < 0x80)
			return WS_URL_ERR_CHAR;
		if (*s == 0x7f)
			return WS_URL_ERR_CHAR;
	}
	return WS_URL_OK;
}

static bool
is_ascii(const char *s)
{
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s >= 0x80)
			return false;
	}
	return true;
}

/* "/PATH?QUERY", of which any part may be missing. */
static enum ws_url_result
read_target(struct ws_url *url, const char *s)
{
	int n = snprintf(url->target, sizeof(url->target), "%s%s",
	    *s == '/' ? "" : "/", s);

	if ((size_t)n >= sizeof(url->target))
		return WS_URL_ERR_TARGET;
	return is_ascii(s) ? WS_URL_OK : WS_URL_ERR_CHAR;
}

static unsigned
usual_port(bool tls)
{
	return tls ? PORT_TLS : PORT_PLAIN;
}

static enum ws_url_result
read_remote(struct ws_url *url, const char *s)
{
	size_t len = strcspn(s, "/?");
	enum authority_result rc = authority_read(&url->at, s, len);

	if (rc != AUTHORITY_OK)
		return (enum ws_url_result)rc;
	if (url->at.port == 0)
		url->at.port = usual_port(url->tls);
	return read_target(url, s + len);
}

/* PATH[:TARGET] */
static enum ws_url_result
read_local(struct ws_url *url, const char *s)
{
	char path[3 * sizeof(url->path)];
	size_t len = strcspn(s, ":?"), n;

	if (len == 0 || len >= sizeof(path) || s[len] == '?')
		return WS_URL_ERR_PATH;
	if (!url_decode(s, len, path, &n) || n >= sizeof(url->path))
		return WS_URL_ERR_PATH;
	memcpy(url->path, path, n);
	url->path[n] = '\0';
	(void)authority_read(&url->at, "localhost", strlen("localhost"));
	url->at.port = usual_port(url->tls);
	return read_target(url, s + len + (s[len] == ':'));
}

static bool
is_scheme(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = s[i] | 0x20;

		if (!(c >= 'a' && c <= 'z') &&
		    (i == 0 ||
			(!(s[i] >= '0' && s[i] <= '9') &&
			    strchr("+-.", s[i]) == NULL)))
			return false;
	}
	return len > 0;
}

static const struct scheme *
find_scheme(const char *s, size_t len)
{
	for (size_t i = 0; i < nitems(schemes); i++) {
		if (str_ieqn(s, len, schemes[i].name, strlen(schemes[i].name)))
			return &schemes[i];
	}
	return NULL;
}

enum ws_url_result
ws_url_read(struct ws_url *url, const char *text)
{
	size_t len = strcspn(text, ":/?");
	const struct scheme *scheme = find_scheme(text, len);
	const char *rest = text + len;
	enum ws_url_result rc = check_chars(text);
	bool slashes = strncmp(rest, "://", 3) == 0;

	memset(url, 0, sizeof(*url));
	if (rc != WS_URL_OK)
		return rc;
	if (*rest != ':' || scheme == NULL)
		return slashes && is_scheme(text, len) ? WS_URL_ERR_SCHEME
						       : WS_URL_ERR_NO_SCHEME;
	if (!slashes && !scheme->local)
		return WS_URL_ERR_SLASHES;
	url->tls = scheme->tls;
	rest += slashes ? 3 : 1;
	return scheme->local ? read_local(url, rest) : read_remote(url, rest);
}

/* ------------------------------------------------- redirects */

/* Take the last segment off out[0..n): what is left ends in a slash. */
static size_t
drop_segment(const char *out, size_t n)
{
	while (n > 1 && out[n - 1] != '/')
		n--;
	return n;
}

/* RFC 3986, section 5.2.4: "." and ".." go; in place, the query stays. */
static void
remove_dots(char *target)
{
	size_t path = strcspn(target, "?"), at = 0, n = 0;

	while (at < path) {
		const char *segment = target + ++at; /* after its slash */
		size_t len = strcspn(segment, "/?");
		bool up = len == 2 && memcmp(segment, "..", 2) == 0;
		bool same = len == 1 && *segment == '.';

		at += len;
		if (up && n > 0)
			n = drop_segment(target, n) - 1;
		if (!up && !same) {
			target[n++] = '/';
			memmove(target + n, segment, len);
			n += len;
		} else if (at == path) {
			target[n++] = '/';
		}
	}
	memmove(target + n, target + path, strlen(target + path) + 1);
}

/* The base's own beginning: SCHEME://HOST:PORT or SCHEME:PATH: */
static void
put_server(const struct ws_url *base, char *out, size_t size)
{
	char host[AUTHORITY_FIELD];

	if (base->path[0] != '\0') {
		(void)snprintf(out, size,
		    "%s+unix:x:", base->tls ? "wss" : "ws");
		return;
	}
	authority_put(&base->at, base->at.port, host);
	(void)snprintf(out, size, "%s://%s", base->tls ? "wss" : "ws", host);
}

/* As much of the base's target as a relative reference is put after. */
static size_t
kept_of_target(const char *target, const char *location)
{
	size_t path = strcspn(target, "?");

	if (location[0] == '/')
		return 0;
	if (location[0] == '?')
		return path;
	if (location[0] == '\0')
		return strlen(target);
	while (target[path - 1] != '/')
		path--;
	return path;
}

static enum ws_url_result
follow_relative(struct ws_url *to, const struct ws_url *base,
    const char *location)
{
	char text[LOCATION_MAX + WS_URL_TARGET], server[AUTHORITY_FIELD + 16];
	enum ws_url_result rc;

	put_server(base, server, sizeof(server));
	(void)snprintf(text, sizeof(text), "%s%.*s%s", server,
	    (int)kept_of_target(base->target, location), base->target,
	    location);
	if ((rc = ws_url_read(to, text)) != WS_URL_OK)
		return rc;
	to->at = base->at; /* with its zone and its user */
	memcpy(to->path, base->path, sizeof(to->path));
	remove_dots(to->target);
	return WS_URL_OK;
}

static enum ws_url_result
follow_absolute(struct ws_url *to, const char *location)
{
	enum ws_url_result rc = ws_url_read(to, location);

	/* No server sends us to a socket of this machine. */
	if (rc == WS_URL_OK && to->path[0] != '\0')
		return WS_URL_ERR_SCHEME;
	if (rc == WS_URL_OK)
		remove_dots(to->target);
	return rc;
}

enum ws_url_result
ws_url_follow(struct ws_url *to, const struct ws_url *base,
    const char *location, size_t len)
{
	char text[LOCATION_MAX];
	size_t scheme;
	int n;

	if (len > 0 && memchr(location, '\0', len) != NULL)
		return WS_URL_ERR_CHAR;
	n = snprintf(text, sizeof(text), "%s%.*s",
	    len > 1 && memcmp(location, "//", 2) == 0
		? (base->tls ? "wss:" : "ws:")
		: "",
	    (int)len, location);
	if ((size_t)n >= sizeof(text))
		return WS_URL_ERR_TARGET;
	text[strcspn(text, "#")] = '\0';
	scheme = strcspn(text, ":/?");
	return text[scheme] == ':' ? follow_absolute(to, text)
				   : follow_relative(to, base, text);
}

/* ------------------------------------------------- what users ask */

void
ws_url_put_host(const struct ws_url *url, char out[AUTHORITY_FIELD])
{
	bool usual = url->at.port == usual_port(url->tls);

	authority_put(&url->at, usual ? 0 : url->at.port, out);
}

bool
ws_url_same_server(const struct ws_url *a, const struct ws_url *b)
{
	return a->tls == b->tls && a->at.port == b->at.port &&
	    str_ieq(a->at.host, b->at.host) && strcmp(a->path, b->path) == 0;
}

void
ws_url_wipe(struct ws_url *url)
{
	explicit_bzero(url, sizeof(*url));
}

const char *
ws_url_strresult(enum ws_url_result rc)
{
	switch (rc) {
	case WS_URL_OK:
		return "a URL";
	case WS_URL_ERR_SCHEME:
		return "not a URL of a WebSocket (those begin with ws://, "
		       "wss://, http://, https:// or ws+unix:)";
	case WS_URL_ERR_NO_SCHEME:
		return "a URL begins with ws://, wss://, http://, https:// or "
		       "ws+unix:";
	case WS_URL_ERR_SLASHES:
		return "two slashes belong behind the colon";
	case WS_URL_ERR_FRAGMENT:
		return "a fragment (#) has no meaning to a WebSocket; a # in "
		       "path or query is written %23";
	case WS_URL_ERR_CHAR:
		return "a blank, a control character or one beyond ASCII must "
		       "be percent-encoded";
	case WS_URL_ERR_TARGET:
		return "path and query are too long";
	case WS_URL_ERR_PATH:
		return "not the path of a Unix socket, as in "
		       "ws+unix:/run/x.sock:/path";
	}
	return authority_strresult((enum authority_result)rc);
}
