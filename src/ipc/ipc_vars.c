#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/base.h"
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
		"AUTH_TYPE",
		"UNIQUE_ID",
		"HTTPS",
		"STANDPIPE_PROTOCOL",
		"STANDPIPE_FRAMING",
	};

	for (size_t i = 0; i < nitems(names); i++) {
		if (is(name, len, names[i]))
			return true;
	}
	return is_header(name, len);
}
