/*
 * URLs and where redirects from them lead: URL NUL LOCATION. What is read can
 * be sent: it holds no blank, no control and nothing beyond ASCII, its Host
 * field is one, and read again from its parts it is the same.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/http1.h"
#include "codec/ws_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static void
check_url(const struct ws_url *url)
{
	char host[AUTHORITY_FIELD];
	size_t host_len;
	unsigned port;

	check(url->target[0] == '/');
	for (const char *p = url->target; *p != '\0'; p++)
		check(*p > ' ' && *p <= '~' && *p != '#');
	check(url->at.port > 0 && url->at.port < 65536);
	ws_url_put_host(url, host);
	check(http1_split_host(host, strlen(host), &host_len, &port));
}

static void
read_again(const struct ws_url *url)
{
	char host[AUTHORITY_FIELD], text[WS_URL_TARGET + 512];
	struct ws_url again;

	if (url->path[0] != '\0')
		return;
	authority_put(&url->at, url->at.port, host);
	(void)snprintf(text, sizeof(text), "%s://%s%s", url->tls ? "wss" : "ws",
	    host, url->target);
	check(ws_url_read(&again, text) == WS_URL_OK);
	check(strcmp(url->target, again.target) == 0);
	check(strchr(url->at.host, '%') != NULL ||
	    ws_url_same_server(url, &again));
}

static void
follow(const struct ws_url *base, const char *location, size_t len)
{
	enum ws_url_result rc;
	struct ws_url to;

	rc = ws_url_follow(&to, base, location, len);
	check(ws_url_strresult(rc) != NULL);
	if (rc != WS_URL_OK)
		return;
	check_url(&to);
	check(to.path[0] == '\0' || strcmp(to.path, base->path) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	char *text = malloc(len + 1);
	enum ws_url_result rc;
	struct ws_url url;
	size_t n;

	check(text != NULL);
	if (len > 0)
		memcpy(text, in, len);
	text[len] = '\0';
	rc = ws_url_read(&url, text);
	check(ws_url_strresult(rc) != NULL);
	if (rc == WS_URL_OK) {
		check_url(&url);
		read_again(&url);
		n = strlen(text);
		if (n < len)
			follow(&url, text + n + 1, len - n - 1);
	}
	free(text);
	return 0;
}
