#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/random.h"
#include "codec/base64.h"
#include "codec/http1.h"
#include "codec/sha1.h"
#include "codec/ws_hello.h"

/* RFC 6455, section 1.3. */
static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/* The only field of that name, or NULL if there is none or several. */
static const struct http1_field *
find_only(const struct http1_head *head, const char *name)
{
	const struct http1_field *f = http1_find(head, name, NULL);

	return f != NULL && http1_find(head, name, f) == NULL ? f : NULL;
}

static bool
version_ok(const struct http1_head *head)
{
	const struct http1_field *f = find_only(head, "Sec-WebSocket-Version");

	return f != NULL && f->value_len == 2 && memcmp(f->value, "13", 2) == 0;
}

/*
 * 16 bytes are 22 characters and "==". The last of them carries two bits; the
 * four after those may be anything (RFC 4648, section 3.5).
 */
static bool
key_ok(const struct http1_field *f)
{
	if (f == NULL || f->value_len != WS_HELLO_KEY_LEN)
		return false;
	for (size_t i = 0; i < WS_HELLO_KEY_LEN - 2; i++) {
		if (base64_value(f->value[i]) == -1)
			return false;
	}
	return memcmp(f->value + WS_HELLO_KEY_LEN - 2, "==", 2) == 0;
}

static bool
has_body(const struct http1_head *head)
{
	uint64_t length;
	enum http1_body_kind body = http1_body(head, &length);

	return body == HTTP1_BODY_CHUNKED || length > 0;
}

enum ws_hello_result
ws_hello_read(const struct http1_head *head, struct ws_hello *hello)
{
	const struct http1_field *key = find_only(head, "Sec-WebSocket-Key");

	if (!http1_has_token(head, "Upgrade", "websocket"))
		return WS_HELLO_NONE;
	if (!http1_method_is(head, "GET"))
		return WS_HELLO_ERR_METHOD;
	if (head->minor == 0)
		return WS_HELLO_ERR_HTTP;
	if (has_body(head))
		return WS_HELLO_ERR_BODY;
	if (!http1_has_token(head, "Connection", "Upgrade"))
		return WS_HELLO_ERR_CONNECTION;
	if (!version_ok(head))
		return WS_HELLO_ERR_VERSION;
	if (!key_ok(key))
		return WS_HELLO_ERR_KEY;
	hello->key = key->value;
	return WS_HELLO_OK;
}

unsigned
ws_hello_status(enum ws_hello_result rc)
{
	switch (rc) {
	case WS_HELLO_OK:
		return 101;
	case WS_HELLO_NONE:
	case WS_HELLO_ERR_VERSION:
		return 426;
	case WS_HELLO_ERR_METHOD:
		return 405;
	case WS_HELLO_ERR_HTTP:
	case WS_HELLO_ERR_CONNECTION:
	case WS_HELLO_ERR_KEY:
	case WS_HELLO_ERR_BODY:
		break;
	}
	return 400;
}

const char *
ws_hello_strresult(enum ws_hello_result rc)
{
	switch (rc) {
	case WS_HELLO_OK:
		return "a WebSocket handshake";
	case WS_HELLO_NONE:
		return "this address speaks WebSocket only";
	case WS_HELLO_ERR_METHOD:
		return "a WebSocket handshake is made with GET";
	case WS_HELLO_ERR_HTTP:
		return "a WebSocket handshake needs HTTP/1.1";
	case WS_HELLO_ERR_CONNECTION:
		return "no \"Connection: Upgrade\" (does a proxy drop it?)";
	case WS_HELLO_ERR_VERSION:
		return "Sec-WebSocket-Version is not 13";
	case WS_HELLO_ERR_KEY:
		return "Sec-WebSocket-Key is not 16 bytes in base64";
	case WS_HELLO_ERR_BODY:
		return "a WebSocket handshake has no body";
	}
	return "unknown result";
}

void
ws_hello_make_key(char out[WS_HELLO_KEY_LEN + 1])
{
	uint8_t nonce[16];

	random_bytes(nonce, sizeof(nonce));
	base64_put(out, nonce, sizeof(nonce));
}

void
ws_hello_accept(const char key[WS_HELLO_KEY_LEN],
    char out[WS_HELLO_ACCEPT_SIZE])
{
	uint8_t text[WS_HELLO_KEY_LEN + sizeof(guid) - 1];
	uint8_t digest[SHA1_LEN];

	memcpy(text, key, WS_HELLO_KEY_LEN);
	memcpy(text + WS_HELLO_KEY_LEN, guid, sizeof(guid) - 1);
	sha1(text, sizeof(text), digest);
	base64_put(out, digest, sizeof(digest));
}

static int
index_of(const char *const *list, size_t n, const char *s, size_t len)
{
	for (size_t i = 0; i < n; i++) {
		if (strlen(list[i]) == len && memcmp(list[i], s, len) == 0)
			return (int)i;
	}
	return WS_HELLO_NO_PROTOCOL;
}

int
ws_hello_choose(const struct http1_head *head, const char *const *list,
    size_t n)
{
	static const char name[] = "Sec-WebSocket-Protocol";
	const struct http1_field *f = NULL;
	int chosen = WS_HELLO_NO_PROTOCOL;

	while ((f = http1_find(head, name, f)) != NULL) {
		const char *rest = f->value, *item;
		size_t rest_len = f->value_len, len;

		while (http1_next_item(&rest, &rest_len, &item, &len)) {
			if (!http1_is_token(item, len))
				return WS_HELLO_BAD_PROTOCOL;
			if (chosen == WS_HELLO_NO_PROTOCOL)
				chosen = index_of(list, n, item, len);
		}
	}
	return chosen;
}

bool
ws_hello_put_101(struct buf *out, const char *accept, const char *protocol,
    const char *extensions, const struct http1_out *more, size_t n)
{
	struct http1_out fields[5 + WS_HELLO_FIELDS_MAX] = {
		{ "Upgrade", "websocket" },
		{ "Connection", "Upgrade" },
		{ "Sec-WebSocket-Accept", accept },
	};
	size_t ours = 3;

	if (n > WS_HELLO_FIELDS_MAX)
		return false;
	if (protocol != NULL)
		fields[ours++] =
		    (struct http1_out){ "Sec-WebSocket-Protocol", protocol };
	if (extensions != NULL)
		fields[ours++] = (struct http1_out){ "Sec-WebSocket-Extensions",
			extensions };
	for (size_t i = 0; i < n; i++)
		fields[ours + i] = more[i];
	return http1_put_response(out, 101, NULL, fields, ours + n);
}

/* ------------------------------------------------- the client's side */

bool
ws_hello_put_request(struct buf *out, const struct ws_hello_wish *w)
{
	struct http1_out fields[7 + WS_HELLO_FIELDS_MAX] = {
		{ "Host", w->host },
		{ "Upgrade", "websocket" },
		{ "Connection", "Upgrade" },
		{ "Sec-WebSocket-Key", w->key },
		{ "Sec-WebSocket-Version", "13" },
	};
	size_t n = 5;

	if (w->nmore > WS_HELLO_FIELDS_MAX)
		return false;
	if (w->protocols != NULL)
		fields[n++] = (struct http1_out){ "Sec-WebSocket-Protocol",
			w->protocols };
	if (w->extensions != NULL)
		fields[n++] = (struct http1_out){ "Sec-WebSocket-Extensions",
			w->extensions };
	for (size_t i = 0; i < w->nmore; i++)
		fields[n++] = w->more[i];
	return http1_put_request(out, "GET", w->target, fields, n);
}

static bool
is_offered(const char *list, const char *name, size_t name_len)
{
	size_t list_len = list == NULL ? 0 : strlen(list), len;
	const char *item;

	while (http1_next_item(&list, &list_len, &item, &len))
		if (len == name_len && memcmp(item, name, len) == 0)
			return true;
	return false;
}

static bool
judge_protocol(const struct http1_head *head, const struct ws_hello_wish *w,
    const char **protocol, size_t *len)
{
	static const char name[] = "Sec-WebSocket-Protocol";
	const struct http1_field *f = find_only(head, name);

	*protocol = NULL;
	*len = 0;
	if (f == NULL)
		return http1_count(head, name) == 0;
	*protocol = f->value;
	*len = f->value_len;
	return is_offered(w->protocols, f->value, f->value_len);
}

enum ws_hello_answer
ws_hello_judge(const struct http1_head *head, const struct ws_hello_wish *w,
    const char *accept, const char **protocol, size_t *protocol_len)
{
	const struct http1_field *f;

	if (head->status != 101)
		return WS_ANSWER_REFUSED;
	if (!http1_has_token(head, "Upgrade", "websocket"))
		return WS_ANSWER_ERR_UPGRADE;
	if (!http1_has_token(head, "Connection", "Upgrade"))
		return WS_ANSWER_ERR_CONNECTION;
	f = find_only(head, "Sec-WebSocket-Accept");
	if (f == NULL || f->value_len != strlen(accept) ||
	    memcmp(f->value, accept, f->value_len) != 0)
		return WS_ANSWER_ERR_ACCEPT;
	if (!judge_protocol(head, w, protocol, protocol_len))
		return WS_ANSWER_ERR_PROTOCOL;
	if (w->extensions == NULL &&
	    http1_count(head, "Sec-WebSocket-Extensions") > 0)
		return WS_ANSWER_ERR_EXTENSION;
	return WS_ANSWER_AGREED;
}

const char *
ws_hello_stranswer(enum ws_hello_answer rc)
{
	switch (rc) {
	case WS_ANSWER_REFUSED:
		return "refused";
	case WS_ANSWER_AGREED:
		return "agreed";
	case WS_ANSWER_ERR_UPGRADE:
		return "the server's 101 has no \"Upgrade: websocket\"";
	case WS_ANSWER_ERR_CONNECTION:
		return "the server's 101 has no \"Connection: Upgrade\"";
	case WS_ANSWER_ERR_ACCEPT:
		return "the server's 101 does not answer our key"
		       " (Sec-WebSocket-Accept)";
	case WS_ANSWER_ERR_PROTOCOL:
		return "the server chose a subprotocol that was not offered";
	case WS_ANSWER_ERR_EXTENSION:
		return "the server chose an extension that was not offered";
	}
	return "unknown answer";
}
