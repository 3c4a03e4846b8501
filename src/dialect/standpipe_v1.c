#include <string.h>

#include "base/base.h"
#include "base/be.h"
#include "base/str.h"
#include "dialect/standpipe_v1.h"

void
v1_reader_init(struct v1_reader *r)
{
	*r = (struct v1_reader){ 0 };
}

static bool
is_data(uint8_t type)
{
	return type == V1_BYTES || type == V1_TEXT || type == V1_BINARY ||
	    type == V1_STDERR;
}

static bool
is_known(uint8_t type)
{
	return type >= V1_HELLO && type <= V1_ACK;
}

static bool
is_name(const uint8_t *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!((s[i] >= 'A' && s[i] <= 'Z') ||
			(s[i] >= '0' && s[i] <= '9') || s[i] == '+' ||
			s[i] == '-'))
			return false;
	return true;
}

/* More than the content of today may follow it: a later version's. */
static bool
content_ok(uint8_t type, const uint8_t *s, size_t len)
{
	switch (type) {
	case V1_WINDOW:
		return len >= V1_WINDOW_LEN;
	case V1_SIGNAL:
		return len >= 1 && len <= V1_SIGNAL_MAX && is_name(s, len);
	case V1_EXIT:
		return len >= 1 && len <= V1_EXIT_MAX &&
		    is_name(s + 1, len - 1);
	case V1_ACK:
		return len >= V1_ACK_LEN;
	default:
		return true;
	}
}

/* Standard error is beside the stream of data: it is not counted, nor ended. */
static enum v1_result
take_data(struct v1_reader *r, const struct piece *p, const uint8_t *data,
    size_t len, struct v1_event *ev)
{
	if (r->type != V1_STDERR) {
		if (r->ended)
			return V1_ERR_ENDED;
		r->received += len;
	}
	ev->type = r->type;
	ev->piece = (struct piece){
		.text = r->type == V1_TEXT,
		.first = r->first,
		.last = p->last,
		.kept = p->kept,
		.data = data,
		.len = len,
	};
	r->first = false;
	return V1_DATA;
}

static enum v1_result
take_control(struct v1_reader *r, const struct piece *p, const uint8_t *data,
    size_t len, struct v1_event *ev)
{
	if (len > sizeof(r->control) - r->len)
		return V1_ERR_LONG;
	if (len > 0)
		memcpy(r->control + r->len, data, len);
	r->len += len;
	if (!p->last)
		return V1_NOTHING;
	if (!content_ok(r->type, r->control, r->len))
		return V1_ERR_CONTENT;
	if (r->type == V1_END)
		r->ended = true;
	ev->type = r->type;
	ev->piece = piece_whole(false, r->control, r->len);
	ev->piece.kept = true;
	return V1_CONTROL;
}

enum v1_result
v1_read(struct v1_reader *r, const struct piece *p, struct v1_event *ev)
{
	const uint8_t *data = p->data;
	size_t len = p->len;
	enum v1_result rc = V1_NOTHING;

	if (p->text)
		return V1_ERR_TEXT;
	if (r->type == 0) {
		if (len == 0)
			return p->last ? V1_ERR_EMPTY : V1_NOTHING;
		r->type = data[0];
		r->first = true;
		r->len = 0;
		data++;
		len--;
		if (r->type == 0)
			return V1_ERR_EMPTY;
	}
	if (is_data(r->type))
		rc = take_data(r, p, data, len, ev);
	else if (is_known(r->type))
		rc = take_control(r, p, data, len, ev);
	if (p->last)
		r->type = 0;
	return rc;
}

unsigned
v1_close_code(enum v1_result rc)
{
	return rc == V1_ERR_TEXT ? 1003 : 1002;
}

const char *
v1_strresult(enum v1_result rc)
{
	switch (rc) {
	case V1_NOTHING:
		return "nothing to do";
	case V1_DATA:
		return "data";
	case V1_CONTROL:
		return "a message about the session";
	case V1_ERR_TEXT:
		return "standpipe.v1: a text message";
	case V1_ERR_EMPTY:
		return "standpipe.v1: a message without a type";
	case V1_ERR_LONG:
		return "standpipe.v1: a message that is too long for its type";
	case V1_ERR_CONTENT:
		return "standpipe.v1: a malformed message";
	case V1_ERR_ENDED:
		return "standpipe.v1: data behind its end";
	}
	return "unknown result";
}

static void
copy_name(char out[V1_SIGNAL_MAX + 1], const uint8_t *s, size_t len)
{
	memcpy(out, s, len);
	out[len] = '\0';
}

void
v1_read_window(const struct v1_event *ev, unsigned *columns, unsigned *rows)
{
	*columns = (unsigned)be_read(ev->piece.data, 2);
	*rows = (unsigned)be_read(ev->piece.data + 2, 2);
}

void
v1_read_signal(const struct v1_event *ev, char name[V1_SIGNAL_MAX + 1])
{
	copy_name(name, ev->piece.data, ev->piece.len);
}

void
v1_read_exit(const struct v1_event *ev, uint8_t *status,
    char signal[V1_SIGNAL_MAX + 1])
{
	*status = ev->piece.data[0];
	copy_name(signal, ev->piece.data + 1, ev->piece.len - 1);
}

uint64_t
v1_read_ack(const struct v1_event *ev)
{
	return be_read(ev->piece.data, V1_ACK_LEN);
}

bool
v1_read_hello(const struct v1_event *ev, size_t *at, const char **name,
    size_t *name_len, const char **value, size_t *value_len)
{
	const char *p = (const char *)ev->piece.data + *at, *end, *blank;
	size_t left = ev->piece.len - *at;

	if (left == 0)
		return false;
	end = memchr(p, '\n', left);
	if (end == NULL)
		end = p + left;
	*at += (size_t)(end - p) + (end < p + left);
	blank = memchr(p, ' ', (size_t)(end - p));
	if (blank == NULL)
		blank = end;
	*name = p;
	*name_len = (size_t)(blank - p);
	*value = blank < end ? blank + 1 : end;
	*value_len = (size_t)(end - *value);
	return true;
}

size_t
v1_put_window(uint8_t out[1 + V1_WINDOW_LEN], unsigned columns, unsigned rows)
{
	out[0] = V1_WINDOW;
	be_put(out + 1, columns, 2);
	be_put(out + 3, rows, 2);
	return 1 + V1_WINDOW_LEN;
}

/* What does not fit is no signal's name, and none of ours are so long. */
static size_t
put_name(uint8_t *out, const char *name)
{
	size_t len = strlen(name);

	if (len > V1_SIGNAL_MAX)
		len = V1_SIGNAL_MAX;
	memcpy(out, name, len);
	return len;
}

size_t
v1_put_signal(uint8_t out[1 + V1_SIGNAL_MAX], const char *name)
{
	out[0] = V1_SIGNAL;
	return 1 + put_name(out + 1, name);
}

size_t
v1_put_exit(uint8_t out[1 + V1_EXIT_MAX], struct ended how)
{
	const char *signal = str_signal_name(how.signal);

	out[0] = V1_EXIT;
	out[1] = (uint8_t)ended_status(how);
	return 2 + (signal == NULL ? 0 : put_name(out + 2, signal));
}

size_t
v1_put_ack(uint8_t out[1 + V1_ACK_LEN], uint64_t received)
{
	out[0] = V1_ACK;
	be_put(out + 1, received, V1_ACK_LEN);
	return 1 + V1_ACK_LEN;
}
