#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/base.h"
#include "base/str.h"
#include "codec/http1.h"

/* A part of the head, and how it is taken apart from the front. */
struct slice {
	const char *p;
	size_t len;
};

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool
is_alnum(uint8_t c)
{
	return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* Letters, digits and !#$%&'*+-.^_`|~, as a bit for each byte. */
static bool
is_token_char(uint8_t c)
{
	static const uint32_t token[8] = {
		[1] = 0x03ff6cfa, /* from the blank on */
		[2] = 0xc7fffffe, /* from '@' on */
		[3] = 0x57ffffff, /* from '`' on */
	};

	return token[c / 32] >> c % 32 & 1;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool
http1_is_token(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!is_token_char((uint8_t)s[i]))
			return false;
	}
	return len > 0;
}

static void
trim(struct slice *s)
{
	while (s->len > 0 && is_blank(s->p[0])) {
		s->p++;
		s->len--;
	}
	while (s->len > 0 && is_blank(s->p[s->len - 1]))
		s->len--;
}

/* Take what is before the first `c` off *s, and the `c`; false if none. */
static bool
take_until(struct slice *s, char c, struct slice *part)
{
	const char *end = s->len > 0 ? memchr(s->p, c, s->len) : NULL;

	if (end == NULL)
		return false;
	*part = (struct slice){ s->p, (size_t)(end - s->p) };
	s->len -= part->len + 1;
	s->p = end + 1;
	return true;
}

/* Hosts and targets */

static bool
is_name_char(uint8_t c)
{
	return is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

/* As far as a name goes whose labels are not empty; the last may be. */
static size_t
name_length(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && is_name_char((uint8_t)s[n])) {
		if (s[n] == '.' && (n == 0 || s[n - 1] == '.'))
			return 0;
		n++;
	}
	return n;
}

/* The length of the host at the front of an authority, 0 if malformed. */
static size_t
host_length(const char *s, size_t len)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr addr;
	size_t n = 0;

	if (len == 0 || s[0] != '[') {
		n = name_length(s, len);
		return n <= HTTP1_MAX_HOST ? n : 0;
	}
	for (n = 1; n < len && s[n] != ']'; n++) {
		if (n > sizeof(text) - 1 || s[n] == '\0')
			return 0;
		text[n - 1] = s[n];
	}
	if (n == len)
		return 0;
	text[n - 1] = '\0';
	return inet_pton(AF_INET6, text, &addr) == 1 ? n + 1 : 0;
}

bool
http1_split_host(const char *s, size_t len, size_t *host_len, unsigned *port)
{
	size_t n = host_length(s, len);
	unsigned number = 0;

	if (n == 0 || (n < len && s[n] != ':'))
		return false;
	for (size_t i = n + 1; i < len; i++) {
		if (!is_digit((uint8_t)s[i]))
			return false;
		number = number * 10 + (unsigned)(s[i] - '0');
		if (number > 65535)
			return false;
	}
	if (len > n + 1 && number == 0)
		return false;
	*host_len = n;
	*port = number;
	return true;
}

static bool
set_authority(struct http1_head *head, const char *s, size_t len)
{
	head->host = head->authority = s;
	head->authority_len = len;
	return http1_split_host(s, len, &head->host_len, &head->port);
}

static bool
target_chars_ok(const struct slice *t)
{
	for (size_t i = 0; i < t->len; i++) {
		if (t->p[i] <= ' ' || t->p[i] > '~' || t->p[i] == '#')
			return false;
	}
	return t->len > 0;
}

/* RFC 9112, section 3.2.2: of schemes, what could name us. */
static bool
read_absolute(struct http1_head *head, const struct slice *t)
{
	static const char *const schemes[] = {
		"http://",
		"https://",
		"ws://",
		"wss://",
	};

	for (size_t i = 0; i < nitems(schemes); i++) {
		size_t skip = strlen(schemes[i]), n;

		if (t->len < skip || !str_ieqn(t->p, skip, schemes[i], skip))
			continue;
		for (n = skip; n < t->len; n++) {
			if (t->p[n] == '/' || t->p[n] == '?')
				break;
		}
		return set_authority(head, t->p + skip, n - skip);
	}
	return false;
}

static enum http1_result
read_target(struct http1_head *head, const struct slice *t)
{
	bool connect = http1_method_is(head, "CONNECT");

	if (!target_chars_ok(t))
		return HTTP1_ERR_LINE;
	head->target = t->p;
	head->target_len = t->len;
	if (connect) {
		head->form = HTTP1_AUTHORITY;
		return set_authority(head, t->p, t->len) && head->port != 0
		    ? HTTP1_HEAD
		    : HTTP1_ERR_TARGET;
	}
	if (t->p[0] == '/') {
		head->form = HTTP1_ORIGIN;
		return HTTP1_HEAD;
	}
	if (t->len == 1 && t->p[0] == '*') {
		head->form = HTTP1_ASTERISK;
		return http1_method_is(head, "OPTIONS") ? HTTP1_HEAD
							: HTTP1_ERR_TARGET;
	}
	head->form = HTTP1_ABSOLUTE;
	return read_absolute(head, t) ? HTTP1_HEAD : HTTP1_ERR_TARGET;
}

/* Lines */

static enum http1_result
read_version(struct http1_head *head, const struct slice *v)
{
	if (v->len != 8 || memcmp(v->p, "HTTP/", 5) != 0 ||
	    !is_digit((uint8_t)v->p[5]) || v->p[6] != '.' ||
	    !is_digit((uint8_t)v->p[7]))
		return HTTP1_ERR_LINE;
	if (v->p[5] != '1')
		return HTTP1_ERR_VERSION;
	head->minor = (unsigned)(v->p[7] - '0');
	return HTTP1_HEAD;
}

/* The version first: what another version means by its line is not our say. */
static enum http1_result
read_request_line(struct http1_head *head, struct slice line)
{
	struct slice method, target;
	enum http1_result rc;

	if (!take_until(&line, ' ', &method) ||
	    !take_until(&line, ' ', &target) ||
	    !http1_is_token(method.p, method.len))
		return HTTP1_ERR_LINE;
	head->method = method.p;
	head->method_len = method.len;
	if ((rc = read_version(head, &line)) != HTTP1_HEAD)
		return rc;
	return read_target(head, &target);
}

static enum http1_result
read_field(struct http1_head *head, struct slice line)
{
	struct slice name;

	if (!take_until(&line, ':', &name) || !http1_is_token(name.p, name.len))
		return HTTP1_ERR_FIELD;
	if (head->nfields == HTTP1_MAX_FIELDS)
		return HTTP1_ERR_FIELDS;
	trim(&line);
	head->field[head->nfields++] = (struct http1_field){
		.name = name.p,
		.name_len = name.len,
		.value = line.p,
		.value_len = line.len,
	};
	return HTTP1_HEAD;
}

/* Rules over all fields */

static enum http1_result
check_host(struct http1_head *head)
{
	const struct http1_field *f = http1_find(head, "Host", NULL);
	struct http1_head named = { 0 };

	if (f == NULL)
		return head->minor == 0 ? HTTP1_HEAD : HTTP1_ERR_HOST;
	if (http1_find(head, "Host", f) != NULL ||
	    !set_authority(&named, f->value, f->value_len))
		return HTTP1_ERR_HOST;
	/* RFC 9112, section 3.2.2: the target's authority replaces Host. */
	if (head->host == NULL)
		set_authority(head, f->value, f->value_len);
	return HTTP1_HEAD;
}

static enum http1_result
check_length(struct http1_head *head, const struct http1_field *f)
{
	uint64_t n = 0;

	if (f->value_len == 0 || http1_find(head, "Content-Length", f) != NULL)
		return HTTP1_ERR_LENGTH;
	for (size_t i = 0; i < f->value_len; i++) {
		unsigned digit = (unsigned)((uint8_t)f->value[i] - '0');

		if (digit > 9 || n > ((uint64_t)INT64_MAX - digit) / 10)
			return HTTP1_ERR_LENGTH;
		n = n * 10 + digit;
	}
	head->body = HTTP1_BODY_LENGTH;
	head->length = n;
	return HTTP1_HEAD;
}

/*
 * RFC 9112, section 6.1: chunked must be there once, and last. HTTP/1.0 knows
 * none of this, so its sender and we would disagree about where a body ends.
 */
static enum http1_result
check_coding(struct http1_head *head, const struct http1_field *f)
{
	size_t chunked = 0, others = 0;
	bool last = false;

	if (head->minor == 0)
		return HTTP1_ERR_CHUNKED;
	for (; f != NULL; f = http1_find(head, "Transfer-Encoding", f)) {
		const char *rest = f->value, *item;
		size_t rest_len = f->value_len, len;

		while (http1_next_item(&rest, &rest_len, &item, &len)) {
			last = str_ieqn(item, len, "chunked", 7);
			chunked += last;
			others += !last;
		}
	}
	if (!last || chunked != 1)
		return HTTP1_ERR_CHUNKED;
	head->body = HTTP1_BODY_CHUNKED;
	return others == 0 ? HTTP1_HEAD : HTTP1_ERR_CODING;
}

static enum http1_result
check_body(struct http1_head *head)
{
	const struct http1_field *length, *coding;

	length = http1_find(head, "Content-Length", NULL);
	coding = http1_find(head, "Transfer-Encoding", NULL);
	if (length != NULL && coding != NULL)
		return HTTP1_ERR_BOTH;
	if (length != NULL)
		return check_length(head, length);
	if (coding != NULL)
		return check_coding(head, coding);
	return HTTP1_HEAD;
}

/* Status lines; the blank before an empty reason is often left out. */
static enum http1_result
read_status_line(struct http1_head *head, struct slice line)
{
	struct slice version = line;
	enum http1_result rc;

	(void)take_until(&line, ' ', &version);
	if ((rc = read_version(head, &version)) != HTTP1_HEAD)
		return rc;
	head->status = 0;
	for (size_t i = 0; i < 3; i++) {
		if (line.len <= i || !is_digit((uint8_t)line.p[i]))
			return HTTP1_ERR_LINE;
		head->status = head->status * 10 + (unsigned)(line.p[i] - '0');
	}
	if (head->status < 100 || (line.len > 3 && line.p[3] != ' '))
		return HTTP1_ERR_LINE;
	head->reason = line.p + (line.len > 3 ? 4 : 3);
	head->reason_len = line.len > 3 ? line.len - 4 : 0;
	return HTTP1_HEAD;
}

static enum http1_result
check_fields(struct http1_head *head)
{
	enum http1_result rc = check_host(head);

	return rc == HTTP1_HEAD ? check_body(head) : rc;
}

/* RFC 9112, section 6.3: without a word about its length it ends with the connection. */
static enum http1_result
check_answer(struct http1_head *head)
{
	enum http1_result rc = check_body(head);

	if (head->status < 200 || head->status == 204 || head->status == 304)
		head->body = HTTP1_BODY_NONE;
	else if (head->body == HTTP1_BODY_NONE)
		head->body = HTTP1_BODY_CLOSE;
	return rc;
}

/* Looking for the end */

struct scan {
	const uint8_t *in;
	size_t first;  /* where the first line begins */
	size_t at;     /* everything before it has been looked at */
	bool response; /* otherwise a request */
	bool fields;   /* the first line is over */
};

/* One CRLF may come before the request line (RFC 9112, section 2.2). */
static bool
skip_empty_line(const uint8_t *in, size_t len, size_t *first)
{
	*first = len > 0 && in[0] == '\r' ? 2 : 0;
	return *first == 0 || len < 2 || in[1] == '\n';
}

static bool
at_line_start(const struct scan *s)
{
	return s->at == s->first || s->in[s->at - 1] == '\n';
}

/* Whether a byte may stand where it stands, line ends aside. */
static enum http1_result
check_byte(const struct scan *s, uint8_t c)
{
	if (s->fields) {
		if (at_line_start(s) && is_blank((char)c))
			return HTTP1_ERR_FOLD;
		return (c < 0x20 && c != '\t') || c == 0x7f ? HTTP1_ERR_FIELD
							    : HTTP1_MORE;
	}
	if (s->at - s->first >= HTTP1_MAX_LINE)
		return HTTP1_ERR_LONG_LINE;
	if (s->response && (c == '\t' || c > 0x7f))
		return HTTP1_MORE;
	if (c < 0x20 || c > 0x7e || (at_line_start(s) && !is_token_char(c)))
		return HTTP1_ERR_LINE;
	return HTTP1_MORE;
}

static enum http1_result
read_first_line(const struct scan *s, struct http1_head *head,
    struct slice line)
{
	return s->response ? read_status_line(head, line)
			   : read_request_line(head, line);
}

/* At a CRLF: what the line before it means, HTTP1_HEAD at the empty one. */
static enum http1_result
check_line(const struct scan *s)
{
	struct slice line = { (const char *)s->in + s->first,
		s->at - s->first };
	struct http1_head head;
	enum http1_result rc;

	if (s->fields)
		return at_line_start(s) ? HTTP1_HEAD : HTTP1_MORE;
	rc = read_first_line(s, &head, line);
	return rc < 0 ? rc : HTTP1_MORE;
}

/* What most bytes of a field are: text, after its first one. */
static void
skip_text(struct scan *s, size_t len)
{
	while (s->at < len && s->in[s->at] >= 0x20 && s->in[s->at] != 0x7f)
		s->at++;
}

/* Go on to the end of the head; s->at is then after its empty line. */
static enum http1_result
scan(struct scan *s, size_t len)
{
	enum http1_result rc = HTTP1_MORE;

	while (rc == HTTP1_MORE && s->at < len) {
		uint8_t c = s->in[s->at];

		if (c == '\n')
			return HTTP1_ERR_EOL;
		if (c != '\r') {
			rc = check_byte(s, c);
			s->at++;
			if (s->fields)
				skip_text(s, len);
			continue;
		}
		if (s->at + 1 == len)
			break;
		if (s->in[s->at + 1] != '\n')
			return HTTP1_ERR_EOL;
		rc = check_line(s);
		s->fields = true;
		s->at += 2;
	}
	return rc;
}

/* A complete head whose line ends are right. */
static enum http1_result
read_lines(const struct scan *s, struct http1_head *head)
{
	struct slice rest = { (const char *)s->in + s->first,
		s->at - s->first };
	struct slice line;
	enum http1_result rc = HTTP1_ERR_LINE;

	memset(head, 0, offsetof(struct http1_head, field));
	for (bool first = true; take_until(&rest, '\n', &line); first = false) {
		line.len--; /* the CR */
		if (line.len == 0)
			break;
		rc = first ? read_first_line(s, head, line)
			   : read_field(head, line);
		if (rc < 0)
			return rc;
	}
	return rc < 0     ? rc
	    : s->response ? check_answer(head)
			  : check_fields(head);
}

/* *scanned is where we are, twice, and one more once the fields have begun. */
static enum http1_result
read_head(struct scan *s, struct http1_head *head, size_t len, size_t *scanned,
    size_t *used)
{
	enum http1_result rc;

	s->fields = *scanned & 1;
	if (s->first >= len)
		return HTTP1_MORE;
	s->at = *scanned > 0 ? *scanned >> 1 : s->first;
	rc = scan(s, len < HTTP1_MAX_HEAD ? len : HTTP1_MAX_HEAD);
	*scanned = s->at << 1 | s->fields;
	if (rc == HTTP1_MORE && len >= HTTP1_MAX_HEAD)
		return HTTP1_ERR_LONG_HEAD;
	if (rc != HTTP1_HEAD)
		return rc;
	rc = read_lines(s, head);
	if (rc == HTTP1_HEAD)
		*used = s->at;
	return rc;
}

enum http1_result
http1_read_request(struct http1_head *head, const uint8_t *in, size_t len,
    size_t *scanned, size_t *used)
{
	struct scan s = { .in = in };

	if (!skip_empty_line(in, len, &s.first))
		return HTTP1_ERR_EOL;
	return read_head(&s, head, len, scanned, used);
}

enum http1_result
http1_read_response(struct http1_head *head, const uint8_t *in, size_t len,
    size_t *scanned, size_t *used)
{
	struct scan s = { .in = in, .response = true };

	return read_head(&s, head, len, scanned, used);
}

static const char *
moved(const char *p, const char *from, const char *to)
{
	return p == NULL ? NULL : to + (p - from);
}

void
http1_copy_head(struct http1_head *out, const struct http1_head *head,
    const char *from, const char *to)
{
	memcpy(out, head, offsetof(struct http1_head, field));
	out->method = moved(head->method, from, to);
	out->reason = moved(head->reason, from, to);
	out->target = moved(head->target, from, to);
	out->host = moved(head->host, from, to);
	out->authority = moved(head->authority, from, to);
	for (size_t i = 0; i < head->nfields; i++) {
		const struct http1_field *f = &head->field[i];

		out->field[i] = (struct http1_field){
			.name = moved(f->name, from, to),
			.name_len = f->name_len,
			.value = moved(f->value, from, to),
			.value_len = f->value_len,
		};
	}
}

unsigned
http1_status(enum http1_result rc)
{
	switch (rc) {
	case HTTP1_MORE:
	case HTTP1_HEAD:
		return 200;
	case HTTP1_ERR_VERSION:
		return 505;
	case HTTP1_ERR_LONG_LINE:
		return 414;
	case HTTP1_ERR_LONG_HEAD:
	case HTTP1_ERR_FIELDS:
		return 431;
	case HTTP1_ERR_CODING:
		return 501;
	case HTTP1_ERR_LINE:
	case HTTP1_ERR_TARGET:
	case HTTP1_ERR_EOL:
	case HTTP1_ERR_FOLD:
	case HTTP1_ERR_FIELD:
	case HTTP1_ERR_HOST:
	case HTTP1_ERR_LENGTH:
	case HTTP1_ERR_BOTH:
	case HTTP1_ERR_CHUNKED:
		break;
	}
	return 400;
}

const char *
http1_strresult(enum http1_result rc)
{
	switch (rc) {
	case HTTP1_MORE:
		return "request head incomplete";
	case HTTP1_HEAD:
		return "request head read";
	case HTTP1_ERR_LINE:
		return "malformed request line";
	case HTTP1_ERR_VERSION:
		return "HTTP version not supported";
	case HTTP1_ERR_TARGET:
		return "request target of a form that the method does not have";
	case HTTP1_ERR_LONG_LINE:
		return "request line too long";
	case HTTP1_ERR_LONG_HEAD:
		return "request head too long";
	case HTTP1_ERR_FIELDS:
		return "too many header fields";
	case HTTP1_ERR_EOL:
		return "CR or LF by itself";
	case HTTP1_ERR_FOLD:
		return "line begins with a blank";
	case HTTP1_ERR_FIELD:
		return "malformed header field";
	case HTTP1_ERR_HOST:
		return "Host missing, repeated or malformed";
	case HTTP1_ERR_LENGTH:
		return "Content-Length is not one number";
	case HTTP1_ERR_BOTH:
		return "Content-Length together with Transfer-Encoding";
	case HTTP1_ERR_CHUNKED:
		return "Transfer-Encoding does not end in one chunked";
	case HTTP1_ERR_CODING:
		return "transfer coding not supported";
	}
	return "unknown result";
}

/* What users ask of a head */

bool
http1_method_is(const struct http1_head *head, const char *method)
{
	return head->method_len == strlen(method) &&
	    memcmp(head->method, method, head->method_len) == 0;
}

const struct http1_field *
http1_find(const struct http1_head *head, const char *name,
    const struct http1_field *prev)
{
	const struct http1_field *f = prev == NULL ? head->field : prev + 1;
	size_t len = strlen(name);

	for (; f < head->field + head->nfields; f++) {
		if (str_ieqn(f->name, f->name_len, name, len))
			return f;
	}
	return NULL;
}

size_t
http1_count(const struct http1_head *head, const char *name)
{
	const struct http1_field *f = NULL;
	size_t n = 0;

	while ((f = http1_find(head, name, f)) != NULL)
		n++;
	return n;
}

bool
http1_next_item(const char **rest, size_t *rest_len, const char **item,
    size_t *item_len)
{
	struct slice s = { .p = *rest, .len = *rest_len }, one;

	do {
		if (s.len == 0)
			return false;
		if (!take_until(&s, ',', &one)) {
			one = s;
			s.p += s.len;
			s.len = 0;
		}
		trim(&one);
	} while (one.len == 0);
	*rest = s.p;
	*rest_len = s.len;
	*item = one.p;
	*item_len = one.len;
	return true;
}

bool
http1_has_token(const struct http1_head *head, const char *name,
    const char *token)
{
	const struct http1_field *f = NULL;
	size_t want = strlen(token);

	while ((f = http1_find(head, name, f)) != NULL) {
		const char *rest = f->value, *item;
		size_t rest_len = f->value_len, len;

		while (http1_next_item(&rest, &rest_len, &item, &len)) {
			if (str_ieqn(item, len, token, want))
				return true;
		}
	}
	return false;
}

bool
http1_has_items(const struct http1_head *head, const char *name)
{
	const struct http1_field *f = NULL;

	while ((f = http1_find(head, name, f)) != NULL) {
		const char *rest = f->value, *item;
		size_t rest_len = f->value_len, len;

		if (http1_next_item(&rest, &rest_len, &item, &len))
			return true;
	}
	return false;
}

bool
http1_host(const struct http1_head *head, const char **host, size_t *host_len,
    unsigned *port)
{
	if (head->host == NULL)
		return false;
	*host = head->host;
	*host_len = head->host_len;
	*port = head->port;
	return true;
}

enum http1_body_kind
http1_body(const struct http1_head *head, uint64_t *length)
{
	*length = head->length;
	return head->body;
}
