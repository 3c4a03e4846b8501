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

bool
ipc_var_allowed(const char *name, size_t len)
{
	static const char *const names[] = {
		"SERVER_SOFTWARE",
		"SERVER_NAME",
		"SERVER_PORT",
		"SERVER_PROTOCOL",
		"GATEWAY_INTERFACE",
		"REQUEST_METHOD",
		"REQUEST_URI",
		"SCRIPT_NAME",
		"PATH_INFO",
		"PATH_TRANSLATED",
		"QUERY_STRING",
		"REMOTE_ADDR",
		"REMOTE_HOST",
		"REMOTE_PORT",
		"REMOTE_USER",
		"REMOTE_IDENT",
		"AUTH_TYPE",
		"CONTENT_TYPE",
		"CONTENT_LENGTH",
		"UNIQUE_ID",
		"HTTPS",
		"SSL_PROTOCOL",
		"SSL_CIPHER",
		"SSL_CLIENT_VERIFY",
		"SSL_CLIENT_S_DN",
		"SSL_CLIENT_I_DN",
		"SSL_CLIENT_M_SERIAL",
		"SSL_CLIENT_FINGERPRINT",
		"STANDPIPE_PROTOCOL",
		"STANDPIPE_FRAMING",
	};

	for (size_t i = 0; i < nitems(names); i++) {
		if (is(name, len, names[i]))
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
