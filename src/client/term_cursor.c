#include <wchar.h>

#include "client/term_cursor.h"

enum { TAB = 8 };

/* Control characters are ^X, what cannot be shown \U+XXXX or \U+XXXXX. */
static unsigned
cells(wchar_t c, unsigned column)
{
	int width = wcwidth(c);

	if (c == L'\t')
		return TAB - column % TAB;
	if (c < 0x20 || c == 0x7f)
		return 2;
	if (width >= 0)
		return (unsigned)width;
	return c > 0xffff ? 8 : 7;
}

/* A character that does not fit begins the next row, as does the margin. */
static void
step(struct term_cursor *at, unsigned n, unsigned width)
{
	if (at->column + n > width)
		*at = (struct term_cursor){ .row = at->row + 1 };
	at->column += n;
	if (at->column >= width)
		*at = (struct term_cursor){ .row = at->row + 1 };
}

void
term_cursor_advance(struct term_cursor *at, const char *text, size_t len,
    unsigned width)
{
	mbstate_t state = { 0 };
	wchar_t c;

	while (len > 0) {
		size_t n = mbrtowc(&c, text, len, &state);

		if (n == 0 || n > len)
			return;
		step(at, cells(c, at->column), width);
		text += n;
		len -= n;
	}
}
