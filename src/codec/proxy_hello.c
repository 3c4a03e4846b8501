#include <string.h>

#include "base/base.h"
#include "base/str.h"
#include "codec/proxy_hello.h"

enum {
	SIGNATURE = 12, /* bytes that version 2 begins with */
	HEAD = 16,      /* those, version and command, family, length */
	V4_ENDS = 12,   /* two addresses and two ports */
	V6_ENDS = 36,
	UNIX_ENDS = 216,
	EXTRA_HEAD = 3, /* type and length of what follows the ends */
	EXTRA_TLS = 0x20,
	TLS_HEAD = 5, /* a byte of flags, and whether its certificate is good */
	TLS_SPOKEN = 1,
};

static const uint8_t signature[SIGNATURE] = "\r\n\r\n\0\r\nQUIT\n";
static const char line_start[] = "PROXY ";

/* ------------------------------------------------- version 1 */

/* The next word of a line, which one space ends; false if it is empty. */
static bool
next_word(const char **s, size_t *left, const char **word, size_t *len)
{
	const char *space = memchr(*s, ' ', *left);

	*word = *s;
	*len = space == NULL ? *left : (size_t)(space - *s);
	*s += *len;
	*left -= *len;
	if (space != NULL) {
		(*s)++;
		if (--*left == 0)
			return false;
	}
	return *len > 0;
}

static bool
next_addr(const char **s, size_t *left, bool ipv4, struct addr *a)
{
	const char *word;
	size_t len;

	return next_word(s, left, &word, &len) && addr_read(a, word, len) &&
	    (memchr(word, ':', len) == NULL) == ipv4;
}

/* Decimal, without zeros in front. */
static bool
next_port(const char **s, size_t *left, unsigned *port)
{
	const char *word;
	char text[6];
	uint64_t v;
	size_t len;

	if (!next_word(s, left, &word, &len) || len >= sizeof(text) ||
	    (len > 1 && word[0] == '0'))
		return false;
	memcpy(text, word, len);
	text[len] = '\0';
	if (strlen(text) != len || !str_uint(text, 65535, &v))
		return false;
	*port = (unsigned)v;
	return true;
}

/* What comes after "PROXY ", without the CRLF. */
static bool
read_ends(struct proxy_hello *hello, const char *s, size_t left)
{
	const char *word;
	size_t len;
	bool ipv4;

	if (!next_word(&s, &left, &word, &len))
		return false;
	if (len == 7 && memcmp(word, "UNKNOWN", len) == 0) {
		hello->local = true; /* the rest of the line means nothing */
		return true;
	}
	ipv4 = len == 4 && memcmp(word, "TCP4", len) == 0;
	if (!ipv4 && !(len == 4 && memcmp(word, "TCP6", len) == 0))
		return false;
	return next_addr(&s, &left, ipv4, &hello->from) &&
	    next_addr(&s, &left, ipv4, &hello->to) &&
	    next_port(&s, &left, &hello->from_port) &&
	    next_port(&s, &left, &hello->to_port) && left == 0;
}

static enum proxy_hello_result
read_line(struct proxy_hello *hello, const uint8_t *in, size_t len,
    size_t *used)
{
	size_t start = sizeof(line_start) - 1, end;
	size_t seen = len < PROXY_HELLO_LINE ? len : PROXY_HELLO_LINE;
	const uint8_t *cr = memchr(in, '\r', seen);

	if (memchr(in, '\n', cr == NULL ? seen : (size_t)(cr - in)) != NULL)
		return PROXY_HELLO_ERR_LINE;
	if (cr == NULL || (end = (size_t)(cr - in)) + 1 == seen)
		return seen == PROXY_HELLO_LINE ? PROXY_HELLO_ERR_LINE
						: PROXY_HELLO_MORE;
	if (in[end + 1] != '\n' ||
	    !read_ends(hello, (const char *)in + start, end - start))
		return PROXY_HELLO_ERR_LINE;
	*used = end + 2;
	return PROXY_HELLO_DONE;
}

/* ------------------------------------------------- version 2 */

static unsigned
get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* Both addresses, then both ports. */
static bool
get_ends(struct proxy_hello *hello, const uint8_t *p, size_t addr_len)
{
	hello->from_port = get16(p + 2 * addr_len);
	hello->to_port = get16(p + 2 * addr_len + 2);
	return addr_from_bytes(&hello->from, p, addr_len) &&
	    addr_from_bytes(&hello->to, p + addr_len, addr_len);
}

/* A type, a length, a value; and again. Only TLS means something to us. */
static bool
read_extras(struct proxy_hello *hello, const uint8_t *p, size_t left)
{
	while (left > 0) {
		size_t len = left < EXTRA_HEAD ? 0 : get16(p + 1);

		if (left < EXTRA_HEAD || left - EXTRA_HEAD < len)
			return false;
		if (p[0] == EXTRA_TLS) {
			if (len < TLS_HEAD)
				return false;
			hello->tls = p[EXTRA_HEAD] & TLS_SPOKEN;
		}
		p += EXTRA_HEAD + len;
		left -= EXTRA_HEAD + len;
	}
	return true;
}

static enum proxy_hello_result
read_proxied(struct proxy_hello *hello, unsigned family, const uint8_t *p,
    size_t len)
{
	static const struct {
		uint8_t family; /* and stream, in the low four bits */
		size_t addr_len, ends;
	} kinds[] = {
		{ 0x11, 4, V4_ENDS },
		{ 0x21, 16, V6_ENDS },
		{ 0x31, 0, UNIX_ENDS },
	};

	if (family == 0) {
		hello->local = true;
		return PROXY_HELLO_DONE;
	}
	for (size_t i = 0; i < nitems(kinds); i++) {
		if (kinds[i].family != family)
			continue;
		if (len < kinds[i].ends)
			return PROXY_HELLO_ERR_LENGTH;
		if (kinds[i].addr_len > 0 &&
		    !get_ends(hello, p, kinds[i].addr_len))
			return PROXY_HELLO_ERR_ADDRESS;
		return read_extras(hello, p + kinds[i].ends,
			   len - kinds[i].ends)
		    ? PROXY_HELLO_DONE
		    : PROXY_HELLO_ERR_EXTRA;
	}
	return PROXY_HELLO_ERR_FAMILY;
}

static enum proxy_hello_result
read_binary(struct proxy_hello *hello, const uint8_t *in, size_t len,
    size_t *used)
{
	enum proxy_hello_result rc = PROXY_HELLO_DONE;
	unsigned command;
	size_t rest;

	if (len > SIGNATURE && in[SIGNATURE] >> 4 != 2)
		return PROXY_HELLO_ERR_VERSION;
	if (len > SIGNATURE && (in[SIGNATURE] & 15) > 1)
		return PROXY_HELLO_ERR_COMMAND;
	if (len < HEAD)
		return PROXY_HELLO_MORE;
	command = in[SIGNATURE] & 15;
	rest = get16(in + SIGNATURE + 2);
	if (rest > PROXY_HELLO_MAX - HEAD)
		return PROXY_HELLO_ERR_LENGTH;
	if (len - HEAD < rest)
		return PROXY_HELLO_MORE;
	if (command == 0)
		hello->local = true;
	else
		rc = read_proxied(hello, in[SIGNATURE + 1], in + HEAD, rest);
	if (rc == PROXY_HELLO_DONE)
		*used = HEAD + rest;
	return rc;
}

/* ------------------------------------------------- both */

static bool
begins(const uint8_t *in, size_t len, const void *start, size_t start_len)
{
	return memcmp(in, start, len < start_len ? len : start_len) == 0;
}

enum proxy_hello_result
proxy_hello_read(struct proxy_hello *hello, const uint8_t *in, size_t len,
    size_t *used)
{
	size_t line_len = sizeof(line_start) - 1;

	*hello = (struct proxy_hello){ .local = false };
	if (len == 0)
		return PROXY_HELLO_MORE;
	if (begins(in, len, line_start, line_len))
		return len < line_len ? PROXY_HELLO_MORE
				      : read_line(hello, in, len, used);
	if (begins(in, len, signature, SIGNATURE))
		return len < SIGNATURE ? PROXY_HELLO_MORE
				       : read_binary(hello, in, len, used);
	return PROXY_HELLO_ERR_START;
}

const char *
proxy_hello_strresult(enum proxy_hello_result rc)
{
	switch (rc) {
	case PROXY_HELLO_MORE:
		return "incomplete";
	case PROXY_HELLO_DONE:
		return "a PROXY header";
	case PROXY_HELLO_ERR_START:
		return "no PROXY header";
	case PROXY_HELLO_ERR_LINE:
		return "a malformed PROXY line";
	case PROXY_HELLO_ERR_VERSION:
		return "an unknown version of the PROXY header";
	case PROXY_HELLO_ERR_COMMAND:
		return "an unknown command in the PROXY header";
	case PROXY_HELLO_ERR_FAMILY:
		return "an unknown family in the PROXY header";
	case PROXY_HELLO_ERR_LENGTH:
		return "a PROXY header of a wrong length";
	case PROXY_HELLO_ERR_ADDRESS:
		return "an impossible address in the PROXY header";
	case PROXY_HELLO_ERR_EXTRA:
		return "malformed extras in the PROXY header";
	}
	return "unknown result";
}
