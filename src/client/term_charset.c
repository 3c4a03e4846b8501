#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/str.h"
#include "client/term_charset.h"

static const char *
locale_name(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
	const char *value;

	for (size_t i = 0; i < nitems(names); i++) {
		value = getenv(names[i]);
		if (value != NULL && *value != '\0')
			return value;
	}
	return "C";
}

bool
term_charset_is_utf8(void)
{
	const char *name = locale_name(), *set = strchr(name, '.');
	size_t len;

	if (set == NULL)
		return strcmp(name, "C") == 0 || strcmp(name, "POSIX") == 0;
	len = strcspn(++set, "@");
	return str_ieqn(set, len, "UTF-8", 5) || str_ieqn(set, len, "UTF8", 4);
}
