/*
 * What the environment says about proxies: a proxy's URL NUL a list of
 * exemptions NUL a host. A host with the list of its own name is exempt.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/proxy_choice.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	/* Three texts, whatever there is. */
	char *text = calloc(1, len + 3);
	const char *list, *host;
	enum proxy_result rc;
	struct proxy p;

	check(text != NULL);
	if (len > 0)
		memcpy(text, in, len);
	list = text + strlen(text) + 1;
	host = list + strlen(list) + 1;
	rc = proxy_read(&p, text);
	check(proxy_strresult(rc) != NULL);
	if (rc == PROXY_OK) {
		check(p.kind != PROXY_NONE && p.at.host[0] != '\0');
		check(p.at.port > 0 && p.at.port < 65536);
		check(proxy_is_exempt(p.at.host, p.at.host) ||
		    strchr(p.at.host, '%') != NULL ||
		    strcmp(p.at.host, "::") == 0);
	}
	check(!proxy_is_exempt("", host));
	check(proxy_is_exempt("*", host));
	(void)proxy_is_exempt(list, host);
	free(text);
	return 0;
}
