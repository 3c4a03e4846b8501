#include <stdio.h>

#include "base/buf.h"
#include "codec/redirect.h"
#include "codec/url.h"

enum { HTTP_PORT = 80, HTTPS_PORT = 443 };

static bool
put_port(struct buf *out, const struct redirect *r)
{
	char text[16];

	if (r->port == (r->https ? HTTPS_PORT : HTTP_PORT))
		return true;
	(void)snprintf(text, sizeof(text), ":%u", r->port);
	return buf_add_str(out, text);
}

/* The target of OPTIONS and CONNECT may be no path. */
static bool
put_path(struct buf *out, const struct url *url)
{
	if (url->path_len == 0 || url->path[0] != '/')
		return buf_add_byte(out, '/');
	return buf_add(out, url->path, url->path_len) &&
	    (url->query_len == 0 ||
		(buf_add_byte(out, '?') &&
		    buf_add(out, url->query, url->query_len)));
}

bool
redirect_put(struct buf *out, const struct redirect *r, const struct url *url)
{
	return buf_add_str(out, r->https ? "https://" : "http://") &&
	    buf_add(out, r->host, r->host_len) && put_port(out, r) &&
	    put_path(out, url);
}

unsigned
redirect_status(bool get_or_head)
{
	return get_or_head ? 301 : 308;
}
