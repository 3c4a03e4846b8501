#include <string.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/str.h"
#include "client/hello_refusal.h"
#include "codec/http1.h"

static void
put_fields(struct buf *out, const struct http1_head *head)
{
	static const char *const helpful[] = { "Location", "WWW-Authenticate",
		"Retry-After", "Allow", "Upgrade", "Sec-WebSocket-Version",
		"Server", "Content-Type" };
	const struct http1_field *f;

	for (size_t i = 0; i < nitems(helpful); i++) {
		f = NULL;
		while ((f = http1_find(head, helpful[i], f)) != NULL) {
			(void)buf_add_str(out, helpful[i]);
			(void)buf_add_str(out, ": ");
			(void)buf_add(out, f->value, f->value_len);
			(void)buf_add_byte(out, '\n');
		}
	}
}

static bool
begins(const struct http1_field *f, const char *type)
{
	size_t len = strlen(type);

	return f->value_len >= len && str_ieqn(f->value, len, type, len);
}

/* What says nothing of itself may be text; it is shown escaped in any case. */
static bool
is_text(const struct http1_head *head)
{
	static const char *const types[] = { "text/", "application/json",
		"application/problem+json", "application/xml" };
	const struct http1_field *f = http1_find(head, "Content-Type", NULL);

	if (http1_find(head, "Content-Encoding", NULL) != NULL)
		return false;
	for (size_t i = 0; f != NULL && i < nitems(types); i++) {
		if (begins(f, types[i]))
			return true;
	}
	return f == NULL;
}

bool
hello_refusal_begin(struct hello_refusal *r, const struct http1_head *head,
    struct buf *out)
{
	*r = (struct hello_refusal){ .out = out,
		.left = HELLO_REFUSAL_BODY_MAX };
	put_fields(out, head);
	http1_body_init(&r->body, head);
	if (head->body == HTTP1_BODY_NONE || !is_text(head))
		return true;
	return head->body == HTTP1_BODY_LENGTH && head->length == 0;
}

static void
show(struct hello_refusal *r, const uint8_t *data, size_t len)
{
	if (len > r->left)
		len = r->left;
	if (r->left == HELLO_REFUSAL_BODY_MAX && len > 0)
		(void)buf_add_byte(r->out, '\n');
	(void)buf_add(r->out, data, len);
	r->left -= len;
}

bool
hello_refusal_read(struct hello_refusal *r, const uint8_t *in, size_t len)
{
	enum http1_body_result rc;
	const uint8_t *data;
	size_t used, n;

	while (r->left > 0) {
		rc = http1_body_read(&r->body, in, len, &used, &data, &n);
		if (rc == HTTP1_BODY_MORE)
			return false;
		if (rc != HTTP1_BODY_DATA)
			return true;
		show(r, data, n);
		in += used;
		len -= used;
	}
	return true;
}
