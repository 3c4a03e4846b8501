#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/log.h"
#include "codec/http1.h"
#include "engine/answer.h"
#include "web/web.h"

enum {
	HASH_LEN = 32,
	HASH_TEXT = 45, /* base64 of it, and a NUL */
	FIELDS_MAX = 8,
};

/* The fields that go with a status besides those of every error. */
static const struct extra {
	unsigned status;
	struct http1_out field;
} extras[] = {
	{ 405, { "Allow", "GET, HEAD" } },
	{ 426, { "Upgrade", "websocket" } },
	{ 426, { "Sec-WebSocket-Version", "13" } },
	{ 429, { "Retry-After", "5" } },
	{ 503, { "Retry-After", "5" } },
};

static void
put(struct buf *out, unsigned status, struct http1_out *fields, size_t n,
    size_t body_len)
{
	char length[24];

	(void)snprintf(length, sizeof(length), "%zu", body_len);
	fields[n++] = (struct http1_out){ "Content-Length", length };
	fields[n++] = (struct http1_out){ "X-Content-Type-Options", "nosniff" };
	/* 426 must list Upgrade as well (RFC 9110, section 15.5.22) */
	fields[n++] = (struct http1_out){ "Connection",
		status == 426 ? "Upgrade, close" : "close" };
	if (!http1_put_response(out, status, fields, n))
		bug("a response of ours does not fit");
}

void
answer_error(struct buf *out, unsigned status, const char *why, bool no_body)
{
	struct http1_out fields[FIELDS_MAX] = {
		{ "Content-Type", "text/plain; charset=utf-8" },
		{ "Cache-Control", "no-store" },
	};
	size_t n = 2;

	for (size_t i = 0; i < nitems(extras); i++)
		if (extras[i].status == status)
			fields[n++] = extras[i].field;
	put(out, status, fields, n, strlen(why) + 1);
	if (!no_body && (!buf_add_str(out, why) || !buf_add_byte(out, '\n')))
		bug("an error of ours does not fit");
}

static void
hash(const unsigned char *data, size_t len, char out[HASH_TEXT])
{
	unsigned char digest[HASH_LEN];
	unsigned int n;

	if (EVP_Digest(data, len, digest, &n, EVP_sha256(), NULL) != 1)
		bug("no SHA-256");
	(void)EVP_EncodeBlock((unsigned char *)out, digest, HASH_LEN);
}

/* Nothing but the page's own script and style, and the server it came from. */
static const char *
console_policy(void)
{
	static char policy[512];
	char script[HASH_TEXT], style[HASH_TEXT];

	if (policy[0] != '\0')
		return policy;
	hash(web_console + web_console_script_at, web_console_script_len,
	    script);
	hash(web_console + web_console_style_at, web_console_style_len, style);
	(void)snprintf(policy, sizeof(policy),
	    "default-src 'none'; script-src 'sha256-%s'; "
	    "style-src 'sha256-%s'; connect-src 'self'; base-uri 'none'; "
	    "form-action 'none'; frame-ancestors 'none'",
	    script, style);
	return policy;
}

void
answer_console(struct buf *out, bool no_body)
{
	struct http1_out fields[FIELDS_MAX] = {
		{ "Content-Type", "text/html; charset=utf-8" },
		{ "Content-Security-Policy", console_policy() },
		{ "Referrer-Policy", "no-referrer" },
		{ "Cache-Control", "no-cache" },
	};

	put(out, 200, fields, 4, web_console_len);
	if (!no_body && !buf_add(out, web_console, web_console_len))
		bug("the console page does not fit");
}
