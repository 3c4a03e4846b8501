#include <string.h>

#include "codec/proxy_hello.h"
#include "engine/refusal.h"
#include "engine/stranger.h"

enum {
	TLS_HANDSHAKE = 0x16, /* RFC 8446, section 5.1: the record's type */
	SSL2_LENGTH = 0x80,   /* the highest bit of its length */
	PROXY_MARK = 6,       /* bytes after which it cannot be a method */
};

static const struct refusal sealed = {
	.status = 400,
	.why = "This port does not speak TLS: use http:// or ws://.",
	.rule = "TLS on a plain port",
	.option = "--ssl",
};

static const struct refusal plain = {
	.status = 400,
	.why = "This port speaks TLS: use https:// or wss://.",
	.rule = "plain text on a TLS port",
	.option = "--ssl",
	.value = "auto",
	.value_len = sizeof("auto") - 1,
};

static const struct refusal proxy = {
	.status = 400,
	.why = "This port expects no header of a proxy.",
	.rule = "unexpected proxy header",
	.option = "--listen",
	.value = "proxy:",
	.value_len = sizeof("proxy:") - 1,
};

static bool
is_proxy(const uint8_t *data, size_t len)
{
	struct proxy_hello hello;
	size_t used;

	return len >= PROXY_MARK &&
	    proxy_hello_read(&hello, data, len, &used) != PROXY_HELLO_ERR_START;
}

bool
stranger_is_tls(uint8_t first)
{
	return first == TLS_HANDSHAKE || first & SSL2_LENGTH;
}

const struct refusal *
stranger_to_plain(const uint8_t *data, size_t len)
{
	if (len > 0 && stranger_is_tls(data[0]))
		return &sealed;
	return is_proxy(data, len) ? &proxy : NULL;
}

const struct refusal *
stranger_to_tls(const uint8_t *data, size_t len)
{
	return is_proxy(data, len) ? &proxy : &plain;
}
