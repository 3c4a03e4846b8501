#include <sys/socket.h>
#include <sys/un.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/base.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/names.h"
#include "conf/words.h"

#define DIGITS "0123456789"
#define LETTERS                      \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
	"abcdefghijklmnopqrstuvwxyz"
#define TOKEN LETTERS DIGITS "!#$%&'*+-.^_`|~"

static bool
consists_of(const char *s, size_t len, const char *allowed)
{
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\0' || strchr(allowed, s[i]) == NULL)
			return false;
	}
	return len > 0;
}

static char *
lowered(const char *s, size_t len)
{
	char *copy = mem_strndup(s, len);

	for (char *p = copy; *p != '\0'; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	}
	return copy;
}

/* An IPv6 address; a zone (%eth0) only where one can listen on it. */
static bool
is_ipv6(const char *s, size_t len, bool zone)
{
	char text[INET6_ADDRSTRLEN + 1];
	struct in6_addr addr;
	size_t n = 0;

	while (n < len && s[n] != '%')
		n++;
	if (n < len &&
	    (!zone ||
		!consists_of(s + n + 1, len - n - 1, LETTERS DIGITS "._-")))
		return false;
	if (n >= sizeof(text))
		return false;
	memcpy(text, s, n);
	text[n] = '\0';
	return inet_pton(AF_INET6, text, &addr) == 1;
}

/* A name or IPv4 address: dots between labels, perhaps one at the end. */
static bool
is_name(const char *s, size_t len)
{
	if (!consists_of(s, len, LETTERS DIGITS "-._") || s[0] == '.')
		return false;
	for (size_t i = 1; i < len; i++) {
		if (s[i] == '.' && s[i - 1] == '.')
			return false;
	}
	return len <= 255;
}

/* RFC 3986, section 3.2.2, as far as browsers write it; *. stands for labels. */
static bool
is_host(const char *s, size_t len)
{
	if (len > 2 && s[0] == '[' && s[len - 1] == ']')
		return is_ipv6(s + 1, len - 2, false);
	if (len > 2 && s[0] == '*' && s[1] == '.')
		return is_name(s + 2, len - 2);
	return is_name(s, len);
}

char *
name_text(const char *s)
{
	return s[0] == '\0' ? NULL : mem_strdup(s);
}

char *
name_socket(const char *s)
{
	struct sockaddr_un sun;

	return strlen(s) >= sizeof(sun.sun_path) ? NULL : name_text(s);
}

/*
 * A name that is not taken for an address: inet_aton(3) reads 1.2.3 and 0x7f.1
 * as one, and getaddrinfo(3) with it.
 */
static bool
is_machine(const char *s, size_t len)
{
	size_t last = len;

	while (last > 0 && s[last - 1] != '.')
		last--;
	return is_name(s, len) && last < len &&
	    !consists_of(s + last, len - last, DIGITS) &&
	    strncmp(s + last, "0x", 2) != 0 && strncmp(s + last, "0X", 2) != 0;
}

char *
name_ciphers(const char *s)
{
	return consists_of(s, strlen(s), LETTERS DIGITS ":+-_!@=")
	    ? mem_strdup(s)
	    : NULL;
}

char *
name_address(const char *s)
{
	size_t len = strlen(s);
	struct in_addr v4;

	if (len > 2 && s[0] == '[' && s[len - 1] == ']') {
		s++;
		len -= 2;
	} else if (inet_pton(AF_INET, s, &v4) == 1 || strcmp(s, "*") == 0 ||
	    is_machine(s, len)) {
		return mem_strdup(s);
	}
	return is_ipv6(s, len, true) ? mem_strndup(s, len) : NULL;
}

/* A user or group: what chown(1) takes, so no colon inside. */
char *
name_owner(const char *s)
{
	const char *colon = strchr(s, ':');

	if (colon != NULL &&
	    (colon[1] == '\0' || strchr(colon + 1, ':') != NULL))
		return NULL;
	return name_text(s);
}

char *
name_network(const char *s)
{
	struct addr_net net;

	return addr_net_read(&net, s) ? mem_strdup(s) : NULL;
}

/* RFC 9110, section 5.6.2. */
char *
name_signal(const char *text)
{
	const char *name = text;
	int sig;

	if (strcmp(text, "none") == 0)
		return mem_strdup(text);
	if (strncmp(name, "SIG", 3) == 0)
		name += 3;
	sig = str_signal(name);
	return sig == 0 ? NULL : mem_strdup(str_signal_name(sig));
}

char *
name_token(const char *s)
{
	return consists_of(s, strlen(s), TOKEN) ? mem_strdup(s) : NULL;
}

char *
name_parameter(const char *s)
{
	return consists_of(s, strlen(s), LETTERS DIGITS "-._") ? mem_strdup(s)
							       : NULL;
}

/* What a quoted string takes as it is (RFC 9110, section 5.6.4). */
char *
name_realm(const char *s)
{
	for (const char *c = s; *c != '\0'; c++) {
		if (*c < 0x20 || *c > 0x7e || *c == '"' || *c == '\\')
			return NULL;
	}
	return name_text(s);
}

/* RFC 3986, section 3.1. */
static bool
is_scheme(const char *s, size_t len)
{
	return consists_of(s, len, LETTERS DIGITS "+-.") &&
	    strchr(LETTERS, s[0]) != NULL;
}

/* Where the host of host[:port] ends; len if there is no good port. */
static size_t
host_end(const char *s, size_t len)
{
	size_t end = len;
	uint64_t port;

	while (end > 0 && strchr(DIGITS, s[end - 1]) != NULL)
		end--;
	if (end == 0 || s[end - 1] != ':' || end == len ||
	    !str_uint(s + end, 65535, &port) || port == 0)
		return len;
	return end - 1;
}

/* What comes after the scheme of an application: nothing, all, or any text. */
static bool
is_of_application(const char *scheme, size_t len, const char *rest)
{
	if (str_ieqn(scheme, len, "http", 4) ||
	    str_ieqn(scheme, len, "https", 5))
		return false;
	for (const char *c = rest; *c != '\0'; c++) {
		if (*c <= ' ' || *c > '~' || (*c == '*' && rest[1] != '\0'))
			return false;
	}
	return true;
}

/* RFC 6454, section 6.1; scheme and port may be left out. */
char *
name_origin(const char *s)
{
	const char *end = strstr(s, "://"), *host = end == NULL ? s : end + 3;
	size_t len = strlen(s);

	if (strcmp(s, "*") == 0 || strcmp(s, "null") == 0)
		return mem_strdup(s);
	if (end != NULL && !is_scheme(s, (size_t)(end - s)))
		return NULL;
	if (!is_host(host, host_end(host, strlen(host))) &&
	    (end == NULL || !is_of_application(s, (size_t)(end - s), host)))
		return NULL;
	return lowered(s, len);
}

char *
name_resolver(const char *s)
{
	size_t len = host_end(s, strlen(s));
	struct in_addr v4;
	char *host = mem_strndup(s, len);
	bool ok = inet_pton(AF_INET, host, &v4) == 1 ||
	    (len > 2 && s[0] == '[' && s[len - 1] == ']' &&
		is_ipv6(s + 1, len - 2, false));

	free(host);
	return ok ? mem_strdup(s) : NULL;
}

char *
name_host(const char *s)
{
	size_t len = strlen(s);

	if (strcmp(s, "*") == 0)
		return mem_strdup(s);
	if (!is_host(s, len))
		return NULL;
	return lowered(s, s[len - 1] == '.' ? len - 1 : len);
}

char *
name_variable(const char *s)
{
	for (const char *p = s; *p != '\0'; p++) {
		if (*p == '=' || *p == ' ' || (unsigned char)*p < 0x20)
			return NULL;
	}
	return name_text(s);
}

char *
name_assignment(const char *s)
{
	size_t len = strcspn(s, "=");

	if (s[len] != '=' || !consists_of(s, len, LETTERS DIGITS "_") ||
	    strchr(DIGITS, s[0]) != NULL)
		return NULL;
	return mem_strdup(s);
}

char *
name_pattern(const char *s)
{
	size_t len = strlen(s);

	if (len > 1 && s[len - 1] == '*' && s[len - 2] == '_')
		len--;
	if (!consists_of(s, len, LETTERS DIGITS "_") ||
	    strchr(DIGITS, s[0]) != NULL)
		return NULL;
	return mem_strdup(s);
}

/* What an answer says of itself and of the connection. */
static bool
is_reserved(const char *name, size_t len)
{
	static const char *const reserved[] = { "Connection",
		"Content-Encoding", "Content-Length", "Content-Range", "Date",
		"Keep-Alive", "Proxy-Connection", "TE", "Trailer",
		"Transfer-Encoding", "Upgrade" };
	static const char prefix[] = "Sec-WebSocket-";
	size_t n = sizeof(prefix) - 1;

	for (size_t i = 0; i < nitems(reserved); i++) {
		if (str_ieqn(name, len, reserved[i], strlen(reserved[i])))
			return true;
	}
	return len >= n && str_ieqn(name, n, prefix, n);
}

enum { FIELD_MAX = 4096 };

char *
name_field(const char *s)
{
	size_t len = strcspn(s, ":"), value_len;
	const char *value = s + len;

	if (*value == '\0' || !consists_of(s, len, TOKEN) ||
	    is_reserved(s, len))
		return NULL;
	value += 1 + strspn(value + 1, " \t");
	value_len = strlen(value);
	while (value_len > 0 && strchr(" \t", value[value_len - 1]) != NULL)
		value_len--;
	for (size_t i = 0; i < value_len; i++) {
		uint8_t c = (uint8_t)value[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return NULL;
	}
	if (value_len == 0 || len + value_len > FIELD_MAX)
		return NULL;
	return mem_printf("%.*s: %.*s", (int)len, s, (int)value_len, value);
}

char *
name_command(const char *s)
{
	char **words = words_split(s);
	bool ok = words != NULL && words[0][0] != '\0';

	words_free(words);
	return ok ? mem_strdup(s) : NULL;
}
