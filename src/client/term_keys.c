#include <stdbool.h>

#include "client/term_keys.h"

/* A character of UTF-8, or a byte that is none. */
static size_t
character(const uint8_t *p, size_t len)
{
	size_t need = p[0] < 0xc0 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

	for (size_t i = 1; i < need; i++) {
		if (i == len)
			return 0;
		if ((p[i] & 0xc0) != 0x80)
			return 1;
	}
	return need;
}

/* ESC [ ... up to a letter or ~. */
static size_t
control_sequence(const uint8_t *p, size_t len)
{
	for (size_t i = 2; i < len && i < TERM_KEYS_SEQUENCE; i++) {
		if (p[i] >= 0x40 && p[i] <= 0x7e)
			return i + 1;
	}
	return len < TERM_KEYS_SEQUENCE ? 0 : TERM_KEYS_SEQUENCE;
}

static bool
is_followed_by(const uint8_t *p, size_t len, uint8_t c)
{
	return p[0] == TERM_KEYS_ESC && len > 1 && p[1] == c;
}

static size_t
one_key(const uint8_t *p, size_t len)
{
	if (len == 0)
		return 0;
	if (is_followed_by(p, len, '['))
		return control_sequence(p, len);
	if (is_followed_by(p, len, 'O'))
		return len > 2 ? 3 : 0;
	return character(p, len);
}

static bool
wants_more(uint8_t c)
{
	return c == TERM_KEYS_ESC || c == TERM_KEYS_QUOTE ||
	    c == TERM_KEYS_PREFIX;
}

size_t
term_keys_ready(const uint8_t *p, size_t len)
{
	size_t before = 0, n;

	if (len == 0)
		return 0;
	while (before < len && before < TERM_KEYS_SEQUENCE &&
	    wants_more(p[before]) &&
	    !is_followed_by(p + before, len - before, '[') &&
	    !is_followed_by(p + before, len - before, 'O'))
		before++;
	n = one_key(p + before, len - before);
	return n == 0 ? 0 : before + n;
}
