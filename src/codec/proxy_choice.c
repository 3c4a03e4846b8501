#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/addr.h"
#include "base/base.h"
#include "base/str.h"
#include "codec/proxy_choice.h"

enum {
	USUAL_PORT = 1080,
	IPV4_OFFSET = 96, /* bits of an addr before those of an IPv4 address */
	IPV4_BITS = 32,
	IPV6_BITS = 128,
};

/* ------------------------------------------------- URLs */

static const char *
read_scheme(struct proxy *p, const char *text)
{
	static const struct {
		const char *name;
		enum proxy_kind kind;
	} schemes[] = {
		{ "http", PROXY_HTTP },
		{ "socks5", PROXY_SOCKS5 },
		{ "socks5h", PROXY_SOCKS5 },
	};
	const char *end = strstr(text, "://");

	p->kind = PROXY_HTTP;
	if (end == NULL)
		return text;
	for (size_t i = 0; i < nitems(schemes); i++) {
		if (str_ieqn(text, (size_t)(end - text), schemes[i].name,
			strlen(schemes[i].name))) {
			p->kind = schemes[i].kind;
			return end + 3;
		}
	}
	return NULL;
}

enum proxy_result
proxy_read(struct proxy *p, const char *text)
{
	const char *at = read_scheme(p, text);
	enum authority_result rc;
	size_t len;

	if (at == NULL)
		return PROXY_ERR_SCHEME;
	len = strcspn(at, "/?#");
	if (at[len] != '\0' && strcmp(at + len, "/") != 0)
		return PROXY_ERR_PATH;
	if ((rc = authority_read(&p->at, at, len)) != AUTHORITY_OK)
		return (enum proxy_result)rc;
	if (p->at.port == 0)
		p->at.port = USUAL_PORT;
	return PROXY_OK;
}

const char *
proxy_strresult(enum proxy_result rc)
{
	switch (rc) {
	case PROXY_OK:
		return "a proxy";
	case PROXY_ERR_SCHEME:
		return "a proxy's URL begins with http:// or socks5://";
	case PROXY_ERR_PATH:
		return "nothing may follow a proxy's host and port";
	}
	return authority_strresult((enum authority_result)rc);
}

/* ------------------------------------------------- exemptions */

/* Names end where the root's dot does not count. */
static size_t
name_length(const char *s, size_t len)
{
	return len > 0 && s[len - 1] == '.' ? len - 1 : len;
}

/* ".example.org" is "example.org", which has all under it. */
static bool
name_has(const char *item, size_t len, const char *host)
{
	size_t host_len = name_length(host, strlen(host));

	if (len > 0 && item[0] == '.') {
		item++;
		len--;
	}
	len = name_length(item, len);
	return len > 0 && host_len >= len &&
	    str_ieqn(host + host_len - len, len, item, len) &&
	    (host_len == len || host[host_len - len - 1] == '.');
}

/* How many bits of an addr are the network's; false: there is no such one. */
static bool
read_bits(const char *s, size_t len, bool ipv4, unsigned *bits)
{
	unsigned n = 0, most = ipv4 ? IPV4_BITS : IPV6_BITS;

	if (len == 0 || len > 3)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		n = n * 10 + (unsigned)(s[i] - '0');
	}
	*bits = n + (ipv4 ? IPV4_OFFSET : 0);
	return n <= most;
}

/* ADDRESS[/BITS], perhaps in brackets; the bits after those may be set. */
static bool
network_has(const char *item, size_t len, struct addr host)
{
	const char *slash = memchr(item, '/', len), *end = item + len;
	size_t n = slash == NULL ? len : (size_t)(slash - item);
	unsigned bits = IPV6_BITS;
	struct addr net;

	if (n > 1 && item[0] == '[' && item[n - 1] == ']') {
		item++;
		n -= 2;
	}
	if (!addr_read(&net, item, n) ||
	    addr_is_ipv4(&net) != addr_is_ipv4(&host) ||
	    (slash != NULL &&
		!read_bits(slash + 1, (size_t)(end - slash) - 1,
		    addr_is_ipv4(&net), &bits)))
		return false;
	addr_cut(&net, bits);
	addr_cut(&host, bits);
	return addr_same(&net, &host);
}

static bool
item_has(const char *item, size_t len, const char *host)
{
	struct addr a;

	if (len == 1 && item[0] == '*')
		return true;
	if (addr_read(&a, host, strcspn(host, "%")))
		return network_has(item, len, a);
	return name_has(item, len, host);
}

bool
proxy_is_exempt(const char *list, const char *host)
{
	for (;;) {
		size_t len;

		list += strspn(list, ", \t");
		if ((len = strcspn(list, ", \t")) == 0)
			return false;
		if (item_has(list, len, host))
			return true;
		list += len;
	}
}

/* ------------------------------------------------- the environment */

/* An empty variable is as good as none. */
static const char *
value_of(char *const *env, const char *name)
{
	size_t len = strlen(name);

	for (; *env != NULL; env++) {
		if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
			return (*env)[len + 1] == '\0' ? NULL : *env + len + 1;
	}
	return NULL;
}

const char *
proxy_from_environment(char *const *env, const char *host, bool tls,
    const char **name)
{
	static const char *const names[2][4] = {
		{ "http_proxy", "all_proxy", "ALL_PROXY", NULL },
		{ "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" },
	};
	const char *value = NULL, *exempt = value_of(env, "no_proxy");

	if (exempt == NULL)
		exempt = value_of(env, "NO_PROXY");
	if (exempt != NULL && proxy_is_exempt(exempt, host))
		return NULL;
	for (size_t i = 0; i < nitems(names[0]) && value == NULL; i++) {
		if ((*name = names[tls][i]) == NULL)
			break;
		value = value_of(env, *name);
	}
	return value;
}
