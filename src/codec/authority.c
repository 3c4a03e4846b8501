#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "codec/authority.h"
#include "codec/http1.h"
#include "codec/url.h"

/* Percent-encoded text; what a NUL would cut short does not decode. */
static bool
decode(char out[AUTHORITY_TEXT], const char *s, size_t len)
{
	size_t n;

	if (len >= AUTHORITY_TEXT || !url_decode(s, len, out, &n))
		return false;
	out[n] = '\0';
	return true;
}

/* USER[:PASSWORD] */
static bool
read_user(struct authority *a, const char *s, size_t len)
{
	const char *colon = memchr(s, ':', len);
	size_t user = colon == NULL ? len : (size_t)(colon - s);

	a->has_user = true;
	return decode(a->user, s, user) &&
	    (colon == NULL || decode(a->password, colon + 1, len - user - 1));
}

static bool
is_ascii(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)s[i] >= 0x80)
			return false;
	}
	return true;
}

/* Where the zone begins, "%25" or "%" (RFC 6874 and RFC 9844); NULL: none. */
static const char *
find_zone(const char *s, size_t len, const char **name)
{
	const char *zone = memchr(s, '%', len);

	if (zone != NULL)
		*name =
		    (size_t)(s + len - zone) >= 3 && memcmp(zone, "%25", 3) == 0
		    ? zone + 3
		    : zone + 1;
	return zone;
}

/* The name of an interface, or its number. */
static bool
zone_ok(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (s[i] <= ' ' || s[i] > '~' || strchr("%/[]", s[i]) != NULL)
			return false;
	}
	return len > 0 && len < 16;
}

/*
 * [ADDRESS[%ZONE]] and what comes after it: the address must do without its
 * zone, for which http1_split_host() has no word.
 */
static enum authority_result
read_bracketed(struct authority *a, const char *s, size_t len)
{
	const char *end = memchr(s, ']', len), *zone, *name = NULL;
	char text[AUTHORITY_FIELD];
	size_t inside, host_len;
	int n;

	if (end == NULL || len - (size_t)(end - s) > 8)
		return AUTHORITY_ERR_IPV6;
	inside = (size_t)(end - s) - 1;
	zone = find_zone(s + 1, inside, &name);
	if (zone != NULL && !zone_ok(name, (size_t)(end - name)))
		return AUTHORITY_ERR_IPV6;
	if (zone != NULL)
		inside = (size_t)(zone - s) - 1;
	n = snprintf(text, sizeof(text), "[%.*s]%.*s", (int)inside, s + 1,
	    (int)(s + len - end - 1), end + 1);
	if (!http1_split_host(text, inside + 2, &host_len, &a->port))
		return AUTHORITY_ERR_IPV6;
	if (!http1_split_host(text, (size_t)n, &host_len, &a->port))
		return AUTHORITY_ERR_PORT;
	(void)snprintf(a->host, sizeof(a->host), "%.*s%s%.*s", (int)inside,
	    s + 1, zone == NULL ? "" : "%",
	    zone == NULL ? 0 : (int)(end - name), zone == NULL ? "" : name);
	return AUTHORITY_OK;
}

static enum authority_result
read_name(struct authority *a, const char *s, size_t len)
{
	const char *colon = memchr(s, ':', len);
	size_t name = colon == NULL ? len : (size_t)(colon - s), host_len;
	unsigned none;

	if (colon != NULL && memchr(colon + 1, ':', len - name - 1) != NULL)
		return AUTHORITY_ERR_BARE;
	if (name == 0)
		return AUTHORITY_ERR_NO_HOST;
	if (!is_ascii(s, name))
		return AUTHORITY_ERR_ASCII;
	if (!http1_split_host(s, name, &host_len, &none))
		return AUTHORITY_ERR_HOST;
	if (!http1_split_host(s, len, &host_len, &a->port))
		return AUTHORITY_ERR_PORT;
	memcpy(a->host, s, name);
	a->host[name] = '\0';
	return AUTHORITY_OK;
}

enum authority_result
authority_read(struct authority *a, const char *s, size_t len)
{
	const char *at = len > 0 ? memrchr(s, '@', len) : NULL;

	*a = (struct authority){ .port = 0 };
	if (at != NULL) {
		if (!read_user(a, s, (size_t)(at - s)))
			return AUTHORITY_ERR_USER;
		len -= (size_t)(at - s) + 1;
		s = at + 1;
	}
	if (len == 0)
		return AUTHORITY_ERR_NO_HOST;
	return s[0] == '[' ? read_bracketed(a, s, len) : read_name(a, s, len);
}

bool
authority_is_ipv6(const struct authority *a)
{
	return strchr(a->host, ':') != NULL;
}

void
authority_put(const struct authority *a, unsigned port,
    char out[AUTHORITY_FIELD])
{
	bool v6 = authority_is_ipv6(a);
	int n = snprintf(out, AUTHORITY_FIELD, "%s%.*s%s", v6 ? "[" : "",
	    (int)strcspn(a->host, "%"), a->host, v6 ? "]" : "");

	if (port != 0)
		(void)snprintf(out + n, AUTHORITY_FIELD - (size_t)n, ":%u",
		    port);
}

void
authority_wipe(struct authority *a)
{
	explicit_bzero(a, sizeof(*a));
}

const char *
authority_strresult(enum authority_result rc)
{
	switch (rc) {
	case AUTHORITY_OK:
		return "a host";
	case AUTHORITY_ERR_NO_HOST:
		return "no host is named";
	case AUTHORITY_ERR_ASCII:
		return "a name beyond ASCII is written as its xn-- form";
	case AUTHORITY_ERR_HOST:
		return "malformed host";
	case AUTHORITY_ERR_IPV6:
		return "no IPv6 address in the brackets";
	case AUTHORITY_ERR_BARE:
		return "an IPv6 address belongs into brackets, as in [::1]:80";
	case AUTHORITY_ERR_PORT:
		return "a port is a number from 1 to 65535";
	case AUTHORITY_ERR_USER:
		return "user or password is too long or not percent-encoded";
	}
	return "unknown result";
}
