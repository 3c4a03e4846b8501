#include <string.h>

#include "base/str.h"
#include "codec/framing_header.h"

/* Field names are printable and hold no colon (RFC 5322, section 2.2). */
static size_t
name_length(const uint8_t *line, size_t len)
{
	size_t n = 0;

	while (n < len && line[n] > ' ' && line[n] < 0x7f && line[n] != ':')
		n++;
	return n;
}

/* Digits with blanks around them. */
static enum framing_result
read_length(const uint8_t *p, size_t len, uint64_t *out)
{
	size_t digits = 0;

	while (len > 0 && (p[len - 1] == ' ' || p[len - 1] == '\t'))
		len--;
	for (; len > 0 && (*p == ' ' || *p == '\t'); p++)
		len--;
	for (*out = 0; digits < len && p[digits] >= '0' && p[digits] <= '9';
	     digits++) {
		*out = 10 * *out + (uint64_t)(p[digits] - '0');
		if (*out > UINT32_MAX)
			return FRAMING_ERR_TOO_LONG;
	}
	return len > 0 && digits == len ? FRAMING_MORE : FRAMING_ERR_HEADER;
}

static enum framing_result
take_field(struct framing *f, const uint8_t *line, size_t len)
{
	static const char wanted[] = "Content-Length";
	size_t name = name_length(line, len);

	if (name == 0 || name == len || line[name] != ':')
		return FRAMING_ERR_HEADER;
	if (!str_ieqn((const char *)line, name, wanted, sizeof(wanted) - 1))
		return FRAMING_MORE;
	if (f->has_length)
		return FRAMING_ERR_HEADER;
	f->has_length = true;
	return read_length(line + name + 1, len - name - 1, &f->left);
}

/* A line of a header, with its end; the empty one is the last. */
static enum framing_result
take_line(struct framing *f, const uint8_t *line, size_t len)
{
	if (len < 2 || line[len - 2] != '\r')
		return FRAMING_ERR_HEADER;
	if (len > 2)
		return take_field(f, line, len - 2);
	if (!f->has_length)
		return FRAMING_ERR_NO_LENGTH;
	f->has_length = false;
	f->header_len = 0;
	return FRAMING_PIECE;
}

/* Whether a field, or the end of a header, may begin so. */
static bool
begins_line(const uint8_t *line, size_t len)
{
	size_t name = name_length(line, len);

	return name == len || (name > 0 && line[name] == ':') ||
	    (len == 1 && line[0] == '\r');
}

static enum framing_result
read_line(struct framing *f, const uint8_t *in, size_t len, size_t *used)
{
	const uint8_t *end = memchr(in, '\n', len);
	size_t n = end == NULL ? len : (size_t)(end - in) + 1;
	size_t room = FRAMING_HEADER_MAX - f->header_len;
	bool held = end == NULL || f->hold.len > 0 || n > room;
	enum framing_result rc;

	*used = n;
	if (held && !buf_add(&f->hold, in, n < room ? n : room))
		return FRAMING_ERR_MEMORY;
	if ((end == NULL || n > room) &&
	    !begins_line(f->hold.data, f->hold.len))
		return FRAMING_ERR_HEADER;
	if (n > room)
		return FRAMING_ERR_TOO_LONG;
	f->header_len = (uint16_t)(f->header_len + n);
	if (end == NULL)
		return FRAMING_MORE;
	rc = held ? take_line(f, f->hold.data, f->hold.len)
		  : take_line(f, in, n);
	if (rc >= 0)
		f->hold.len = 0;
	else if (!held && !buf_add(&f->hold, in, n))
		return FRAMING_ERR_MEMORY;
	return rc;
}

enum framing_result
framing_header_read(struct framing *f, const uint8_t *in, size_t len,
    size_t *used)
{
	enum framing_result rc = FRAMING_MORE;
	size_t at = 0, n;

	while (at < len && rc == FRAMING_MORE) {
		rc = read_line(f, in + at, len - at, &n);
		at += n;
	}
	*used = at;
	return rc;
}
