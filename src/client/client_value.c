#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/mem.h"
#include "base/str.h"
#include "client/client_value.h"
#include "codec/base64.h"
#include "codec/http1.h"
#include "conf/listen_spec.h"
#include "conf/names.h"

enum {
	HEADER_MAX = 8192,
	PIN_LEN = 64,        /* SHA-256 in hexadecimal, */
	PIN_BASE64_LEN = 44, /* in base64 */
};

/* What the opening handshake says of itself and of the connection. */
static bool
is_reserved(const char *name, size_t len)
{
	static const char *const reserved[] = { "Connection", "Content-Length",
		"Expect", "Keep-Alive", "Proxy-Connection",
		"Standpipe-Protocol", "TE", "Trailer", "Transfer-Encoding",
		"Upgrade" };
	static const char prefix[] = "Sec-WebSocket-";
	size_t n = sizeof(prefix) - 1;

	for (size_t i = 0; i < nitems(reserved); i++) {
		if (str_ieqn(name, len, reserved[i], strlen(reserved[i])))
			return true;
	}
	return len >= n && str_ieqn(name, n, prefix, n);
}

static bool
has_controls(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (((unsigned char)s[i] < ' ' && s[i] != '\t') ||
		    s[i] == '\x7f')
			return true;
	}
	return false;
}

bool
client_value_is_header(const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	size_t name_len;

	if (colon == NULL || len > HEADER_MAX)
		return false;
	name_len = (size_t)(colon - line);
	return http1_is_token(line, name_len) && !is_reserved(line, name_len) &&
	    !has_controls(colon, len - name_len);
}

char *
client_value_header(const char *s)
{
	if (s[0] == '@')
		return s[1] == '\0' ? NULL : mem_strdup(s);
	return client_value_is_header(s, strlen(s)) ? mem_strdup(s) : NULL;
}

/* RFC 6265, section 4.1.1, and what browsers send besides: blanks and quotes. */
char *
client_value_cookie(const char *s)
{
	const char *equals = strchr(s, '=');

	if (equals == NULL || !http1_is_token(s, (size_t)(equals - s)) ||
	    has_controls(equals, strlen(equals)) || strpbrk(s, ";\t") != NULL)
		return NULL;
	return mem_strdup(s);
}

char *
client_value_origin(const char *s)
{
	char *origin = name_origin(s);

	if (origin != NULL && strcmp(origin, "null") != 0 &&
	    (strstr(origin, "://") == NULL || strchr(origin, '*') != NULL)) {
		free(origin);
		return NULL;
	}
	return origin;
}

/* The value of a hexadecimal digit in small letters; '\0' for none. */
static char
lowered_digit(char c)
{
	if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))
		return c;
	return c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : '\0';
}

/* As curl writes it. */
static char *
pin_of_base64(const char *s)
{
	uint8_t md[BASE64_BYTES(PIN_BASE64_LEN)];
	char digits[PIN_LEN + 1] = "";
	size_t n;

	if (strlen(s) != PIN_BASE64_LEN ||
	    !base64_read(s, PIN_BASE64_LEN, md, &n) || 2 * n != PIN_LEN)
		return NULL;
	str_put_hex(digits, md, n);
	return mem_strdup(digits);
}

char *
client_value_pin(const char *s)
{
	static const char prefix[] = "sha256:", curls[] = "sha256//";
	char digits[PIN_LEN + 1] = "";
	size_t n = 0;

	if (strncmp(s, curls, sizeof(curls) - 1) == 0)
		return pin_of_base64(s + sizeof(curls) - 1);
	if (str_ieqn(s, strnlen(s, 7), prefix, 7))
		s += 7;
	for (; *s != '\0'; s++) {
		if (*s == ':' && n > 0 && n % 2 == 0 && n < PIN_LEN)
			continue;
		if (n == PIN_LEN || (digits[n++] = lowered_digit(*s)) == '\0')
			return NULL;
	}
	return n == PIN_LEN ? mem_strdup(digits) : NULL;
}

char *
client_value_listen(const char *s)
{
	struct listen_spec spec;

	if (!listen_spec_read(&spec, s) || spec.proxy ||
	    spec.tls != LISTEN_PLAIN)
		return NULL;
	return listen_spec_item(s);
}

char *
client_value_script(const char *s)
{
	return s[strspn(s, " \t\n")] == '\0' ? NULL : mem_strdup(s);
}
