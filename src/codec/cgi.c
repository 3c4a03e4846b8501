#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/str.h"
#include "codec/cgi.h"
#include "codec/credentials.h"
#include "codec/http1.h"
#include "codec/url.h"

/* End the variable that begins at `start`; false if it is too long. */
static bool
end_var(struct buf *out, size_t start)
{
	return buf_add_byte(out, '\0') && out->len - start <= CGI_MAX_VAR;
}

static bool
put(struct buf *out, const char *name, const char *value, size_t len)
{
	size_t n = strlen(name), whole = n + 1 + len + 1;
	uint8_t *p;

	if (memchr(value, '\0', len) != NULL || whole > CGI_MAX_VAR ||
	    (p = buf_reserve(out, whole)) == NULL)
		return false;
	memcpy(p, name, n);
	p[n] = '=';
	memcpy(p + n + 1, value, len);
	p[whole - 1] = '\0';
	buf_commit(out, whole);
	return true;
}

static bool
put_str(struct buf *out, const char *name, const char *value)
{
	return put(out, name, value, strlen(value));
}

/* The end of the buffer is a query: without its token. */
static void
cut_query(struct buf *out, size_t at, const struct cgi_request *rq)
{
	char *query = (char *)out->data + at;

	if (rq->token_query != NULL && at < out->len)
		out->len = at +
		    credentials_cut_query(query, out->len - at, rq->token_query,
			query);
}

/* It is a URL: the same with what comes after its '?'. */
static void
cut_url(struct buf *out, size_t at, const struct cgi_request *rq)
{
	const uint8_t *mark = memchr(out->data + at, '?', out->len - at);
	size_t query;

	if (mark == NULL || rq->token_query == NULL)
		return;
	query = (size_t)(mark - out->data) + 1;
	if (query == out->len)
		return;
	cut_query(out, query, rq);
	if (query == out->len)
		out->len--; /* the token was all there was */
}

static bool
put_url(struct buf *out, const struct cgi_request *rq)
{
	const struct http1_head *head = rq->head;
	size_t start = out->len;

	if (!buf_add_str(out, "REQUEST_URI=") ||
	    !buf_add(out, head->target, head->target_len))
		return false;
	cut_url(out, start, rq);
	return end_var(out, start);
}

static bool
put_query(struct buf *out, const struct cgi_request *rq)
{
	const struct url *url = rq->url;
	size_t start = out->len, at;

	if (!buf_add_str(out, "QUERY_STRING="))
		return false;
	at = out->len;
	if (!buf_add(out, url->query, url->query_len))
		return false;
	cut_query(out, at, rq);
	return end_var(out, start);
}

/* A text that may be missing. */
static bool
put_opt(struct buf *out, const char *name, const char *value)
{
	return value == NULL || put_str(out, name, value);
}

static bool
put_uint(struct buf *out, const char *name, unsigned value)
{
	char text[3 * sizeof(value)];
	size_t at = sizeof(text);

	do
		text[--at] = (char)('0' + value % 10);
	while ((value /= 10) > 0);
	return put(out, name, text + at, sizeof(text) - at);
}

static bool
put_server(struct buf *out, const struct cgi_request *rq)
{
	const char *name = rq->server_name;
	size_t len = strlen(name);
	unsigned port;

	http1_host(rq->head, &name, &len, &port);
	return put_str(out, "SERVER_SOFTWARE", rq->server_software) &&
	    put(out, "SERVER_NAME", name, len) &&
	    put_uint(out, "SERVER_PORT", rq->server_port) &&
	    put_str(out, "SERVER_PROTOCOL",
		rq->head->minor == 0 ? "HTTP/1.0" : "HTTP/1.1") &&
	    put_str(out, "GATEWAY_INTERFACE", "CGI/1.1");
}

/* Where the path leads to a program, the caller that found it says which. */
static bool
put_place(struct buf *out, const struct cgi_request *rq)
{
	return rq->script_name == NULL ||
	    (put_str(out, "SCRIPT_NAME", rq->script_name) &&
		put(out, "PATH_INFO", rq->path_info, rq->path_info_len) &&
		put_opt(out, "PATH_TRANSLATED", rq->path_translated));
}

static bool
put_request(struct buf *out, const struct cgi_request *rq)
{
	const struct http1_head *head = rq->head;

	return put(out, "REQUEST_METHOD", head->method, head->method_len) &&
	    put_url(out, rq) && put_place(out, rq) && put_query(out, rq);
}

static bool
put_client(struct buf *out, const struct cgi_request *rq)
{
	return put_str(out, "REMOTE_ADDR", rq->remote_addr) &&
	    put_str(out, "REMOTE_HOST",
		rq->remote_host != NULL ? rq->remote_host : rq->remote_addr) &&
	    (rq->websocketd && rq->remote_port == 0
		    ? put_str(out, "REMOTE_PORT", "")
		    : put_uint(out, "REMOTE_PORT", rq->remote_port)) &&
	    put_opt(out, "REMOTE_USER", rq->remote_user) &&
	    put_opt(out, "AUTH_TYPE", rq->auth_type);
}

/* What websocketd sets in any case, so that scripts under `set -u` work. */
static bool
put_empty(struct buf *out, const struct cgi_request *rq)
{
	if (!rq->websocketd)
		return true;
	return (rq->remote_user != NULL || put_str(out, "REMOTE_USER", "")) &&
	    (rq->auth_type != NULL || put_str(out, "AUTH_TYPE", "")) &&
	    put_str(out, "REMOTE_IDENT", "");
}

/* A body in chunks has no length before it has ended. */
static bool
put_length(struct buf *out, const struct cgi_request *rq)
{
	char text[24];

	if (!rq->body || rq->head->body != HTTP1_BODY_LENGTH)
		return put_opt(out, "CONTENT_LENGTH",
		    rq->websocketd ? "" : NULL);
	snprintf(text, sizeof(text), "%" PRIu64, rq->head->length);
	return put_str(out, "CONTENT_LENGTH", text);
}

static bool
put_type(struct buf *out, const struct cgi_request *rq)
{
	const struct http1_field *f =
	    rq->body ? http1_find(rq->head, "Content-Type", NULL) : NULL;

	if (f == NULL)
		return put_opt(out, "CONTENT_TYPE", rq->websocketd ? "" : NULL);
	return put(out, "CONTENT_TYPE", f->value, f->value_len);
}

static bool
put_session(struct buf *out, const struct cgi_request *rq)
{
	return put_str(out, "UNIQUE_ID", rq->unique_id) &&
	    put_opt(out, "HTTPS", rq->https ? "on" : NULL) &&
	    put_opt(out, "STANDPIPE_PROTOCOL", rq->subprotocol) &&
	    put_opt(out, "STANDPIPE_FRAMING", rq->framing);
}

static bool
is_field(const struct http1_field *f, const char *name)
{
	return str_ieqn(f->name, f->name_len, name, strlen(name));
}

static bool
same_name(const struct http1_field *a, const struct http1_field *b)
{
	return str_ieqn(a->name, a->name_len, b->name, b->name_len);
}

/* Made of letters, digits and '-', so that no two names become one. */
static bool
exportable_name(const struct http1_field *f)
{
	for (size_t i = 0; i < f->name_len; i++) {
		char c = f->name[i];

		if ((c < 'A' || c > 'Z') && (c < 'a' || c > 'z') &&
		    (c < '0' || c > '9') && c != '-')
			return false;
	}
	return true;
}

static bool
exported(const struct http1_field *f, const struct cgi_request *rq)
{
	static const char *const never[] = {
		"Proxy",
		"Proxy-Authorization",
		"Content-Length",
		"Content-Type",
	};

	for (size_t i = 0; i < nitems(never); i++) {
		if (is_field(f, never[i]))
			return false;
	}
	if (rq->auth_type != NULL && is_field(f, "Authorization"))
		return false;
	return exportable_name(f);
}

static bool
put_field_name(struct buf *out, const struct http1_field *f)
{
	static const char prefix[] = "HTTP_";
	size_t n = sizeof(prefix) - 1;
	uint8_t *p = buf_reserve(out, n + f->name_len);

	if (p == NULL)
		return false;
	memcpy(p, prefix, n);
	for (size_t i = 0; i < f->name_len; i++) {
		char c = f->name[i];

		if (c == '-')
			c = '_';
		else if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		p[n + i] = (uint8_t)c;
	}
	buf_commit(out, n + f->name_len);
	return true;
}

/* The end of the buffer is the value of such a field: without a token. */
static void
cut_value(struct buf *out, size_t at, const struct cgi_request *rq,
    const struct http1_field *f)
{
	char *value = (char *)out->data + at;
	size_t len = out->len - at;

	if (is_field(f, "Referer"))
		cut_url(out, at, rq);
	else if (rq->token_cookie != NULL && is_field(f, "Cookie"))
		out->len = at +
		    credentials_cut_cookie(value, len, rq->token_cookie, value);
	else if (rq->token_protocol && is_field(f, "Sec-WebSocket-Protocol"))
		out->len = at + credentials_cut_protocols(value, len, value);
}

/* One variable of all fields that are called as `first` is. */
static bool
put_joined(struct buf *out, const struct cgi_request *rq,
    const struct http1_field *first)
{
	const struct http1_head *head = rq->head;
	const char *join = is_field(first, "Cookie") ? "; " : ", ";
	const struct http1_field *end = head->field + head->nfields, *f;
	size_t start = out->len, at, len;

	if (!put_field_name(out, first) || !buf_add_byte(out, '='))
		return false;
	at = out->len;
	if (!buf_add(out, first->value, first->value_len))
		return false;
	for (f = first + 1; f < end; f++) {
		if (same_name(f, first) &&
		    !(buf_add_str(out, join) &&
			buf_add(out, f->value, f->value_len)))
			return false;
	}
	len = out->len;
	cut_value(out, at, rq, first);
	if (out->len == at && len > at) {
		out->len = start; /* a token was all there was */
		return true;
	}
	return end_var(out, start);
}

/* Whether a field of that name came earlier, and so is in the block. */
static bool
seen(const struct http1_head *head, const struct http1_field *f)
{
	for (const struct http1_field *e = head->field; e < f; e++) {
		if (same_name(e, f))
			return true;
	}
	return false;
}

static bool
put_fields(struct buf *out, const struct cgi_request *rq)
{
	const struct http1_head *head = rq->head;

	for (size_t i = 0; i < head->nfields; i++) {
		const struct http1_field *f = &head->field[i];

		if (!exported(f, rq) || seen(head, f))
			continue;
		if (is_field(f, "Host")) {
			if (!put(out, "HTTP_HOST", head->authority,
				head->authority_len))
				return false;
		} else if (!put_joined(out, rq, f)) {
			return false;
		}
	}
	return true;
}

bool
cgi_put(struct buf *out, const struct cgi_request *rq)
{
	size_t before = out->len;

	if (put_server(out, rq) && put_request(out, rq) &&
	    put_client(out, rq) && put_empty(out, rq) && put_length(out, rq) &&
	    put_type(out, rq) && put_session(out, rq) && put_fields(out, rq))
		return true;
	out->len = before;
	return false;
}
