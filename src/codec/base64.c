#include "codec/base64.h"

void
base64_put(char *out, const void *data, size_t len)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *p = data;

	for (; len > 0; p += 3) {
		size_t n = len < 3 ? len : 3;
		uint32_t v = (uint32_t)p[0] << 16;

		v |= n > 1 ? (uint32_t)p[1] << 8 : 0;
		v |= n > 2 ? p[2] : 0;
		*out++ = digits[v >> 18];
		*out++ = digits[v >> 12 & 63];
		*out++ = n > 1 ? digits[v >> 6 & 63] : '=';
		*out++ = n > 2 ? digits[v & 63] : '=';
		len -= n;
	}
	*out = '\0';
}

int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters, of which `pad` are padding. */
static bool
read_group(const char *in, size_t pad, uint8_t *out)
{
	uint32_t v = 0;

	for (size_t i = 0; i < 4 - pad; i++) {
		int bits = base64_value(in[i]);

		if (bits == -1)
			return false;
		v |= (uint32_t)bits << (18 - 6 * i);
	}
	for (size_t i = 0; i < 3 - pad; i++)
		out[i] = (uint8_t)(v >> (16 - 8 * i));
	return pad == 0 || (v & (pad == 1 ? 0xff : 0xffff)) == 0;
}

bool
base64_read(const char *in, size_t len, uint8_t *out, size_t *n)
{
	size_t pad = 0;

	if (len % 4 != 0)
		return false;
	while (pad < 2 && pad < len && in[len - 1 - pad] == '=')
		pad++;
	for (size_t at = 0; at < len; at += 4) {
		if (!read_group(in + at, at + 4 == len ? pad : 0, out))
			return false;
		out += 3;
	}
	*n = BASE64_BYTES(len) - pad;
	return true;
}
