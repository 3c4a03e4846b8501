#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/str.h"
#include "codec/cgi_answer.h"
#include "codec/http1.h"

void
cgi_answer_init(struct cgi_answer *a)
{
	memset(a, 0, sizeof(*a));
	buf_init(&a->text, CGI_ANSWER_MAX_HEAD);
}

void
cgi_answer_clear(struct cgi_answer *a)
{
	buf_clear(&a->text);
}

/* What only we may say: of the connection, its framing and ourselves. */
static bool
is_ours(const char *name)
{
	static const char *const ours[] = { "Connection", "Date", "Keep-Alive",
		"Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection",
		"Server", "TE", "Trailer", "Transfer-Encoding", "Upgrade" };
	static const char *const prefixes[] = { "Sec-WebSocket-", "X-CGI-" };

	for (size_t i = 0; i < nitems(ours); i++) {
		if (str_ieq(name, ours[i]))
			return true;
	}
	for (size_t i = 0; i < nitems(prefixes); i++) {
		size_t n = strlen(prefixes[i]);

		if (strlen(name) >= n && str_ieqn(name, n, prefixes[i], n))
			return true;
	}
	return false;
}

/* 200, or 200 and words (section 6.3.3), which hold no control character. */
static bool
read_status(const char *value, struct cgi_answer *a)
{
	const char *words = value + 3;
	unsigned n = 0;

	for (size_t i = 0; i < 3; i++) {
		if (value[i] < '0' || value[i] > '9')
			return false;
		n = n * 10 + (unsigned)(value[i] - '0');
	}
	if ((*words != '\0' && *words != ' ') || n < 200 || n > 599)
		return false;
	words += strspn(words, " ");
	a->status = n;
	a->reason = *words == '\0' ? NULL : words;
	return true;
}

static bool
is_location(const char *value)
{
	const char *p = value;

	while (*p > ' ' && *p <= '~')
		p++;
	return p > value && *p == '\0';
}

/* A path on this server; two slashes would name another. */
static bool
is_local(const char *location)
{
	return location[0] == '/' && location[1] != '/' &&
	    strchr(location, '#') == NULL;
}

/* What is known of the fields that mean something to us. */
struct seen {
	const char *status, *location, *type, *length;
	bool two_lengths;
};

static bool
see_once(const char **where, const char *value)
{
	if (*where != NULL)
		return false;
	*where = value;
	return true;
}

static enum cgi_answer_result
add_field(struct cgi_answer *a, struct seen *seen, const char *name,
    const char *value)
{
	if (str_ieq(name, "Status"))
		return see_once(&seen->status, value) ? CGI_ANSWER_MORE
						      : CGI_ANSWER_ERR_TWICE;
	if (str_ieq(name, "Content-Length")) {
		if (!see_once(&seen->length, value))
			seen->two_lengths = true;
		return CGI_ANSWER_MORE;
	}
	if (is_ours(name))
		return CGI_ANSWER_MORE;
	if ((str_ieq(name, "Location") && !see_once(&seen->location, value)) ||
	    (str_ieq(name, "Content-Type") && !see_once(&seen->type, value)))
		return CGI_ANSWER_ERR_TWICE;
	a->field[a->nfields++] = (struct http1_out){ name, value };
	return CGI_ANSWER_MORE;
}

/* Take a line apart where it lies: its colon becomes the end of the name. */
static enum cgi_answer_result
read_line(struct cgi_answer *a, struct seen *seen, char *line)
{
	char *colon = strchr(line, ':'), *value, *end;

	if (colon == NULL || !http1_is_token(line, (size_t)(colon - line)))
		return CGI_ANSWER_ERR_FIELD;
	*colon = '\0';
	value = colon + 1 + strspn(colon + 1, " \t");
	end = value + strlen(value);
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	return add_field(a, seen, line, value);
}

/* The text (a part of ours) made the answer unusable. */
static enum cgi_answer_result
spoil(struct cgi_answer *a, enum cgi_answer_result rc, const char *text)
{
	a->spoiled = (size_t)(text - (const char *)a->text.data);
	a->spoiled_len = strlen(text);
	return rc;
}

static enum cgi_answer_result
judge(struct cgi_answer *a, const struct seen *seen)
{
	a->status = seen->location != NULL ? 302 : 200;
	if (seen->status != NULL && !read_status(seen->status, a))
		return spoil(a, CGI_ANSWER_ERR_STATUS, seen->status);
	if (seen->location != NULL && !is_location(seen->location))
		return spoil(a, CGI_ANSWER_ERR_LOCATION, seen->location);
	if (seen->location != NULL && seen->status == NULL &&
	    is_local(seen->location))
		a->local = seen->location;
	a->has_length = seen->length != NULL && !seen->two_lengths &&
	    str_uint(seen->length, INT64_MAX, &a->length);
	return CGI_ANSWER_DONE;
}

/* The empty line has come. */
static enum cgi_answer_result
read_lines(struct cgi_answer *a)
{
	enum cgi_answer_result rc = CGI_ANSWER_MORE;
	struct seen seen = { 0 };
	char *p, *end;
	size_t n = 0;

	if (a->text.len == 0)
		return CGI_ANSWER_ERR_FIELDS;
	p = (char *)a->text.data;
	end = p + a->text.len;
	while (rc == CGI_ANSWER_MORE && p < end) {
		char *next = p + strlen(p) + 1;

		rc = ++n > CGI_ANSWER_MAX_FIELDS ? CGI_ANSWER_ERR_FIELDS
						 : read_line(a, &seen, p);
		if (rc < 0)
			return spoil(a, rc, p);
		p = next;
	}
	return judge(a, &seen);
}

static enum cgi_answer_result
end_line(struct cgi_answer *a)
{
	if (a->line == 0)
		return read_lines(a);
	a->line = 0;
	a->cr = false;
	return buf_add_byte(&a->text, '\0') ? CGI_ANSWER_MORE
					    : CGI_ANSWER_ERR_LONG;
}

static enum cgi_answer_result
add_byte(struct cgi_answer *a, uint8_t c)
{
	if (c == '\n')
		return end_line(a);
	if (a->cr || (c < ' ' && c != '\t' && c != '\r') || c == 0x7f)
		return CGI_ANSWER_ERR_CHAR;
	if (c == '\r') {
		a->cr = true;
		return CGI_ANSWER_MORE;
	}
	if (a->line == 0 && (c == ' ' || c == '\t'))
		return CGI_ANSWER_ERR_FIELD;
	a->line++;
	return buf_add_byte(&a->text, c) ? CGI_ANSWER_MORE
					 : CGI_ANSWER_ERR_LONG;
}

enum cgi_answer_result
cgi_answer_read(struct cgi_answer *a, const uint8_t *in, size_t len,
    size_t *used)
{
	enum cgi_answer_result rc = CGI_ANSWER_MORE;
	size_t at = 0;

	while (rc == CGI_ANSWER_MORE && at < len)
		rc = add_byte(a, in[at++]);
	*used = at;
	if (rc < 0 && a->line > 0) { /* in the middle of it */
		a->spoiled_len = a->line < a->text.len ? a->line : a->text.len;
		a->spoiled = a->text.len - a->spoiled_len;
	}
	return rc;
}

const char *
cgi_answer_spoiled(const struct cgi_answer *a, size_t *len)
{
	if (a->spoiled_len == 0 &&
	    a->text.len > 0) { /* its end came too soon */
		*len = strnlen((const char *)a->text.data,
		    a->text.len < CGI_ANSWER_MAX_SPOILED
			? a->text.len
			: CGI_ANSWER_MAX_SPOILED);
		return (const char *)a->text.data;
	}
	*len = a->spoiled_len < CGI_ANSWER_MAX_SPOILED ? a->spoiled_len
						       : CGI_ANSWER_MAX_SPOILED;
	return *len == 0 ? "" : (const char *)a->text.data + a->spoiled;
}

const char *
cgi_answer_strresult(enum cgi_answer_result rc)
{
	switch (rc) {
	case CGI_ANSWER_MORE:
		return "answer's head incomplete";
	case CGI_ANSWER_DONE:
		return "answer's head read";
	case CGI_ANSWER_ERR_LONG:
		return "answer's head too long";
	case CGI_ANSWER_ERR_FIELDS:
		return "no field, or too many";
	case CGI_ANSWER_ERR_CHAR:
		return "control character in the answer's head";
	case CGI_ANSWER_ERR_FIELD:
		return "a line that is not NAME: VALUE";
	case CGI_ANSWER_ERR_TWICE:
		return "Status, Location or Content-Type twice";
	case CGI_ANSWER_ERR_STATUS:
		return "malformed Status";
	case CGI_ANSWER_ERR_LOCATION:
		return "malformed Location";
	}
	return "unknown result";
}
