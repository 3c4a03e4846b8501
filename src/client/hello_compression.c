#include <stdint.h>

#include "base/base.h"
#include "client/client.h"
#include "client/facts.h"
#include "client/hello_compression.h"
#include "flow/transport_ws.h"
#include "flow/zpool.h"

enum {
	LEAST = 32,                /* bytes of a message that is worth it */
	MEMORY = 64 * 1024 * 1024, /* of all connections */
};

void
hello_compression_init(struct client *c)
{
	zpool_init(&c->flow.zpool, (int)c->conf.compression_level, MEMORY);
}

static struct ws_terms
wanted(const struct client_conf *conf)
{
	int who = conf->compression_takeover;

	return (struct ws_terms){
		.server = {
			.takeover = who == CONF_TAKEOVER_SERVER ||
			    who == CONF_TAKEOVER_BOTH,
			.bits = WS_TERMS_BITS_MAX,
		},
		.client = {
			.takeover = who == CONF_TAKEOVER_CLIENT ||
			    who == CONF_TAKEOVER_BOTH,
			.bits = WS_TERMS_BITS_MAX,
		},
	};
}

const char *
hello_compression_offer(const struct client_conf *conf, char out[WS_TERMS_TEXT])
{
	struct ws_terms most = wanted(conf);

	if (!conf->compression)
		return NULL;
	ws_terms_offer(&most, out);
	return out;
}

const char *
hello_compression_judge(struct client *c, const struct http1_head *head,
    struct facts *f)
{
	struct ws_terms most = wanted(&c->conf);
	enum ws_terms_result rc =
	    ws_terms_judge(head, c->conf.compression ? &most : NULL, &f->terms);

	if (rc < 0)
		return ws_terms_strresult(rc);
	f->compressed = rc == WS_TERMS_AGREED;
	if (f->compressed &&
	    !zpool_prepare(&c->flow.zpool, f->terms.client.bits))
		return "there is no memory to compress with";
	return NULL;
}

void
hello_compression_begin(struct transport *t, const struct facts *f)
{
	if (f->compressed)
		transport_ws_compress(t, &f->terms, LEAST);
}
