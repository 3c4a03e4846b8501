#include <inttypes.h>
#include <string.h>

#include "base/base.h"
#include "client/call_redirect.h"
#include "client/client_conf.h"
#include "client/outcome.h"
#include "codec/ws_url.h"

bool
call_redirect_read(struct ws_url *to, const struct client_conf *conf,
    const struct ws_url *from, const char *location, unsigned times,
    struct outcome *o)
{
	enum ws_url_result rc;

	if (!conf->location || location == NULL)
		return false;
	if (times >= conf->max_redirects) {
		outcome_set(o, OUTCOME_REFUSED,
		    "sent on more than %" PRIu64 " times (--max-redirects)",
		    conf->max_redirects);
		return false;
	}
	rc = ws_url_follow(to, from, location, strlen(location));
	if (rc != WS_URL_OK)
		outcome_set(o, OUTCOME_REFUSED, "sent on to %s: %s", location,
		    ws_url_strresult(rc));
	else if (from->tls && !to->tls)
		outcome_set(o, OUTCOME_REFUSED,
		    "sent on to %s, which has no TLS", location);
	else
		return true;
	return false;
}
