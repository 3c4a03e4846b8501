#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/base.h"
#include "base/str.h"
#include "ipc/ipc_vars.h"

static bool
is(const char *name, size_t len, const char *text)
{
	return strlen(text) == len && memcmp(name, text, len) == 0;
}

/* HTTP_ and a name that cgi.c can have made of a header's. */
static bool
is_header(const char *name, size_t len)
{
	static const char prefix[] = "HTTP_";
	size_t skip = sizeof(prefix) - 1;

	if (len <= skip || memcmp(name, prefix, skip) != 0)
		return false;
	for (size_t i = skip; i < len; i++) {
		char c = name[i];

		if ((c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_')
			return false;
	}
	return !is(name, len, "HTTP_PROXY");
}

/* A name with its length: most differ in that from what is looked for. */
#define NAME(s)                  \
	{                        \
		s, sizeof(s) - 1 \
	}

static const struct {
	const char *name;
	size_t len;
} requests[] = {
	NAME("SERVER_SOFTWARE"),
	NAME("SERVER_NAME"),
	NAME("SERVER_PORT"),
	NAME("SERVER_PROTOCOL"),
	NAME("GATEWAY_INTERFACE"),
	NAME("REQUEST_METHOD"),
	NAME("REQUEST_URI"),
	NAME("SCRIPT_NAME"),
	NAME("PATH_INFO"),
	NAME("PATH_TRANSLATED"),
	NAME("QUERY_STRING"),
	NAME("REMOTE_ADDR"),
	NAME("REMOTE_HOST"),
	NAME("REMOTE_PORT"),
	NAME("REMOTE_USER"),
	NAME("REMOTE_IDENT"),
	NAME("AUTH_TYPE"),
	NAME("CONTENT_TYPE"),
	NAME("CONTENT_LENGTH"),
	NAME("UNIQUE_ID"),
	NAME("HTTPS"),
	NAME("SSL_PROTOCOL"),
	NAME("SSL_CIPHER"),
	NAME("SSL_CLIENT_VERIFY"),
	NAME("SSL_CLIENT_S_DN"),
	NAME("SSL_CLIENT_I_DN"),
	NAME("SSL_CLIENT_M_SERIAL"),
	NAME("SSL_CLIENT_FINGERPRINT"),
	NAME("STANDPIPE_PROTOCOL"),
	NAME("STANDPIPE_FRAMING"),
};

bool
ipc_var_allowed(const char *name, size_t len)
{
	for (size_t i = 0; i < nitems(requests); i++) {
		if (requests[i].len == len &&
		    memcmp(requests[i].name, name, len) == 0)
			return true;
	}
	return is_header(name, len);
}

/* ------------------------------------------------- those of a gate */

static bool
begins(const char *name, size_t len, const char *text)
{
	size_t n = strlen(text);

	return len >= n && str_ieqn(name, n, text, n);
}

bool
ipc_var_harmful(const char *name, size_t len)
{
	static const char *const families[] = { "LD_", "DYLD_", "_RLD", "BASH_",
		"MALLOC_", "GCONV_", "GLIBC_", "PYTHON", "PERL", "RUBY",
		"NODE_", "LUA_", "GIT_", "SUDO_", "OPENSSL_" };
	static const char *const names[] = { "PATH", "IFS", "ENV", "CDPATH",
		"FPATH", "ZDOTDIR", "PS4", "PROMPT_COMMAND", "GLOBIGNORE",
		"SHELLOPTS", "BASHOPTS", "SHELL", "HOME", "TMPDIR", "EDITOR",
		"VISUAL", "PAGER", "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY",
		"ALL_PROXY", "NO_PROXY", "LOCPATH", "NLSPATH", "HOSTALIASES",
		"LOCALDOMAIN", "RES_OPTIONS", "TERMINFO", "TERMCAP",
		"CLASSPATH", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS",
		"SSLKEYLOGFILE" };

	for (size_t i = 0; i < nitems(families); i++)
		if (begins(name, len, families[i]))
			return true;
	for (size_t i = 0; i < nitems(names); i++)
		if (str_ieqn(name, len, names[i], strlen(names[i])))
			return true;
	return false;
}

/* POSIX, XBD 8.1, and small letters. */
static bool
is_portable(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = name[i];

		if ((c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '_' &&
		    (i == 0 || c < '0' || c > '9'))
			return false;
	}
	return len > 0;
}

static bool
matches(const char *name, size_t len, const char *pattern)
{
	size_t n = strlen(pattern);

	if (n > 0 && pattern[n - 1] == '*')
		return len >= n && memcmp(name, pattern, n - 1) == 0;
	return is(name, len, pattern);
}

bool
ipc_gate_var_allowed(const char *name, size_t len, char *const *pattern,
    size_t n)
{
	if (!is_portable(name, len) || ipc_var_harmful(name, len))
		return false;
	for (size_t i = 0; i < n; i++)
		if (matches(name, len, pattern[i]))
			return true;
	return n == 0 &&
	    (matches(name, len, "REMOTE_USER") || matches(name, len, "GATE_*"));
}
