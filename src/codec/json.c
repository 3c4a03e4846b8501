#include <string.h>

#include "base/str.h"
#include "codec/json.h"

/* The letter after the backslash, where there is a short form. */
static uint8_t
short_form(uint8_t c)
{
	switch (c) {
	case '"':
	case '\\':
		return c;
	case '\b':
		return 'b';
	case '\f':
		return 'f';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	default:
		return 0;
	}
}

size_t
json_escape(const uint8_t *in, size_t len, uint8_t *out)
{
	uint8_t *p = out;

	for (size_t i = 0; i < len; i++) {
		uint8_t c = in[i], letter = short_form(c);

		if (letter != 0) {
			*p++ = '\\';
			*p++ = letter;
		} else if (c < 0x20) {
			memcpy(p, "\\u00", 4);
			str_put_hex(p + 4, &c, 1);
			p += 6;
		} else {
			*p++ = c;
		}
	}
	return (size_t)(p - out);
}
