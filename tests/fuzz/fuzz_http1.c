/*
 * Heads, of requests and of responses, and bodies. The first byte says how the rest is cut; the
 * answer must not depend on that, and everything that is given must lie inside
 * the input. What is made of a head (handshake, variables, path) is made too.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "codec/cgi.h"
#include "codec/http1.h"
#include "codec/http1_body.h"
#include "codec/redirect.h"
#include "codec/url.h"
#include "codec/ws_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static void
check_inside(const uint8_t *in, size_t len, const char *p, size_t n)
{
	const uint8_t *at = (const uint8_t *)p;

	check(at >= in && at <= in + len && n <= (size_t)(in + len - at));
}

static void
check_fields(const struct http1_head *h, const uint8_t *in, size_t used)
{
	check(h->nfields <= HTTP1_MAX_FIELDS);
	for (size_t i = 0; i < h->nfields; i++) {
		const struct http1_field *f = &h->field[i];

		check_inside(in, used, f->name, f->name_len);
		check_inside(in, used, f->value, f->value_len);
		check(http1_is_token(f->name, f->name_len));
		for (size_t k = 0; k < f->value_len; k++)
			check(f->value[k] != '\r' && f->value[k] != '\n' &&
			    f->value[k] != '\0');
	}
}

static void
check_head(const struct http1_head *h, const uint8_t *in, size_t used)
{
	check_inside(in, used, h->method, h->method_len);
	check_inside(in, used, h->target, h->target_len);
	check(h->method_len > 0 && h->target_len > 0);
	check(h->host != NULL || h->minor == 0);
	if (h->host != NULL)
		check_inside(in, used, h->host, h->host_len);
	check_fields(h, in, used);
}

/* Every variable is NAME=value, NUL at its end, and there is no HTTP_PROXY. */
static void
check_block(const struct buf *b)
{
	const char *p = (const char *)b->data, *end = p + b->len;

	check(b->len > 0 && end[-1] == '\0');
	for (; p < end; p += strlen(p) + 1) {
		check(strchr(p, '=') != NULL && p[0] != '=');
		check(strncmp(p, "HTTP_PROXY=", 11) != 0);
	}
}

static void
use_head(const struct http1_head *h)
{
	static const char *const list[] = { "chat", "binary" };
	char path[HTTP1_MAX_LINE], accept[WS_HELLO_ACCEPT_SIZE];
	struct cgi_request rq = {
		.head = h,
		.server_software = "s",
		.server_name = "n",
		.server_port = 1,
		.script_name = "",
		.path_info = path,
		.remote_addr = "::1",
		.unique_id = "u",
		.framing = "lines",
	};
	struct ws_hello hello;
	struct url url;
	struct buf b;

	url_split(h->target, h->target_len, &url);
	check(url.path_len > 0 &&
	    url.path_len + url.query_len <= h->target_len + 1);
	rq.url = &url;
	if (ws_hello_read(h, &hello) == WS_HELLO_OK) {
		ws_hello_accept(hello.key, accept);
		check(strlen(accept) == WS_HELLO_ACCEPT_SIZE - 1);
	}
	check(ws_hello_choose(h, list, 2) < 2);
	if (!url_decode(url.path, url.path_len, path, &rq.path_info_len))
		return;
	check(memchr(path, '\0', rq.path_info_len) == NULL);
	buf_init(&b, 65536);
	if (cgi_put(&b, &rq))
		check_block(&b);
	buf_clear(&b);
}

/* What has become of a body. */
struct read_body {
	struct http1_body reader;
	enum http1_body_result rc;
	size_t used, len;
	uint32_t sum; /* of its bytes and their order */
};

static void
read_piece(struct read_body *b, const uint8_t *in, size_t len)
{
	do {
		const uint8_t *data = NULL;
		size_t used = 0, n = 0;

		b->rc = http1_body_read(&b->reader, in, len, &used, &data, &n);
		check(used <= len);
		if (b->rc == HTTP1_BODY_DATA) {
			check_inside(in, used, (const char *)data, n);
			check(n > 0 && data + n == in + used);
			b->len += n;
			for (size_t i = 0; i < n; i++)
				b->sum = b->sum * 31 + data[i];
		}
		b->used += used;
		in += used;
		len -= used;
	} while (b->rc == HTTP1_BODY_DATA);
	check(b->rc != HTTP1_BODY_MORE || len == 0);
}

static void
use_body(const struct http1_head *head, const uint8_t *in, size_t len,
    size_t step)
{
	struct read_body whole = { 0 }, cut = { 0 };

	http1_body_init(&whole.reader, head);
	http1_body_init(&cut.reader, head);
	read_piece(&whole, in, len);
	read_piece(&cut, in, 0);
	for (size_t at = 0; at < len && cut.rc == HTTP1_BODY_MORE; at += step)
		read_piece(&cut, in + at, len - at < step ? len - at : step);
	check(cut.rc == whole.rc && cut.used == whole.used);
	check(cut.len == whole.len && cut.sum == whole.sum);
	check(head->body != HTTP1_BODY_LENGTH || whole.len <= head->length);
}

/* Whatever was asked for: the URL is one line of one word. */
static void
use_redirect(const struct http1_head *head)
{
	struct redirect r = { .https = true, .port = 8443 };
	struct url url;
	unsigned port;
	struct buf b;

	url_split(head->target, head->target_len, &url);
	if (!http1_host(head, &r.host, &r.host_len, &port))
		return;
	buf_init(&b, HTTP1_MAX_LINE + HTTP1_MAX_HOST + 32);
	check(redirect_put(&b, &r, &url));
	for (size_t i = 0; i < b.len; i++)
		check(b.data[i] > ' ' && b.data[i] < 0x7f);
	buf_clear(&b);
}

/* The same bytes as what a server may answer to a client. */
static void
use_as_response(const uint8_t *in, size_t len, size_t step)
{
	const struct ws_hello_wish wish = { .protocols = "chat" };
	size_t scanned = 0, used = 0, whole_used = 0, have = 0, n;
	enum http1_result whole, rc = HTTP1_MORE;
	struct http1_head head;
	const char *protocol;

	whole = http1_read_response(&head, in, len, &scanned, &whole_used);
	if (whole == HTTP1_HEAD) {
		check(whole_used <= len && whole_used <= HTTP1_MAX_HEAD);
		check(head.status >= 100 && head.status <= 999);
		check_inside(in, whole_used, head.reason, head.reason_len);
		check_fields(&head, in, whole_used);
		use_body(&head, in + whole_used, len - whole_used, step);
		if (ws_hello_judge(&head, &wish, "accept", &protocol, &n) ==
			WS_ANSWER_AGREED &&
		    protocol != NULL)
			check(n == 4 && memcmp(protocol, "chat", n) == 0);
	}
	scanned = 0;
	while (rc == HTTP1_MORE && have < len) {
		have = len - have < step ? len : have + step;
		rc = http1_read_response(&head, in, have, &scanned, &used);
	}
	check(rc == whole && used == whole_used);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	size_t step, scanned = 0, used = 0, whole_used = 0, have = 0;
	enum http1_result whole, rc = HTTP1_MORE;
	struct http1_head head;

	if (len == 0)
		return 0;
	step = (size_t)*in++ + 1;
	len--;
	use_as_response(in, len, step);
	whole = http1_read_request(&head, in, len, &scanned, &whole_used);
	if (whole == HTTP1_HEAD) {
		check(whole_used <= len && whole_used <= HTTP1_MAX_HEAD);
		check_head(&head, in, whole_used);
		use_head(&head);
		use_redirect(&head);
		use_body(&head, in + whole_used, len - whole_used, step);
	}
	scanned = 0;
	while (rc == HTTP1_MORE && have < len) {
		have = len - have < step ? len : have + step;
		rc = http1_read_request(&head, in, have, &scanned, &used);
	}
	check(rc == whole && used == whole_used);
	return 0;
}
