#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/mem.h"
#include "client/client_conf.h"
#include "client/client_url.h"

/* What may be meant by a URL without a scheme; owned, or NULL. */
static char *
guess(const char *url)
{
	bool path = url[0] == '/' || url[0] == '.';
	char *text = mem_printf("%s%s", path ? "ws+unix:" : "ws://", url);
	struct ws_url guessed;

	if (ws_url_read(&guessed, text) == WS_URL_OK)
		return text;
	free(text);
	return NULL;
}

/* One with a user may hold a password, so it is not repeated. */
bool
client_url_read(struct client_conf *conf, char **why)
{
	enum ws_url_result rc = ws_url_read(&conf->to, conf->url);
	bool secret = strchr(conf->url, '@') != NULL;
	char *meant = NULL;

	if (rc == WS_URL_OK)
		return true;
	if (rc == WS_URL_ERR_NO_SCHEME && !secret)
		meant = guess(conf->url);
	if (meant != NULL)
		*why = mem_printf("%s: a URL is needed: did you mean %s?",
		    conf->url, meant);
	else
		*why = mem_printf("%s: %s", secret ? "the URL" : conf->url,
		    ws_url_strresult(rc));
	free(meant);
	return false;
}
