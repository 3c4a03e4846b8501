#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "codec/url.h"

/* Where the path of an absolute target begins; 0 for every other form. */
static size_t
skip_authority(const char *target, size_t len)
{
	size_t i = 0;

	while (i < len && target[i] != '/' && target[i] != '?')
		i++;
	if (len - i < 2 || i == 0 || target[i - 1] != ':' || target[i] != '/' ||
	    target[i + 1] != '/')
		return 0;
	for (i += 2; i < len; i++) {
		if (target[i] == '/' || target[i] == '?')
			break;
	}
	return i;
}

void
url_split(const char *target, size_t len, struct url *url)
{
	size_t from = skip_authority(target, len), end = from;

	while (end < len && target[end] != '?')
		end++;
	*url = (struct url){
		.path = target + from,
		.path_len = end - from,
		.query = end < len ? target + end + 1 : "",
		.query_len = end < len ? len - end - 1 : 0,
	};
	if (url->path_len == 0) {
		url->path = "/";
		url->path_len = 1;
	}
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* What the three characters %XX stand for, of `left` bytes; 0: nothing. */
static int
escaped(const char *s, size_t left)
{
	int high = left > 2 ? hex_value(s[1]) : -1;
	int low = left > 2 ? hex_value(s[2]) : -1;

	return high == -1 || low == -1 ? 0 : high << 4 | low;
}

bool
url_is_encoded(const char *path, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (path[i] == '%' && escaped(path + i, len - i) == 0)
			return false;
	return true;
}

bool
url_decode(const char *path, size_t len, char *out, size_t *out_len)
{
	size_t o = 0;

	for (size_t i = 0; i < len; i++) {
		char c = path[i];

		if (c == '%') {
			if ((c = (char)escaped(path + i, len - i)) == '\0')
				return false;
			i += 2;
		}
		out[o++] = c;
	}
	*out_len = o;
	return true;
}

static bool
may_stay(char c)
{
	return (c >= '0' && c <= '9') ||
	    ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
	    (c != '\0' && strchr("-._~/", c) != NULL);
}

bool
url_encode(struct buf *out, const char *path, size_t len)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < len; i++) {
		uint8_t c = (uint8_t)path[i];
		const char code[] = { '%', digits[c >> 4], digits[c & 15] };

		if (may_stay(path[i]) ? !buf_add_byte(out, c)
				      : !buf_add(out, code, sizeof(code)))
			return false;
	}
	return true;
}
