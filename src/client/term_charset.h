/*
 * The character set of the user's terminal, as the environment tells it.
 */
#ifndef CLIENT_TERM_CHARSET_H
#define CLIENT_TERM_CHARSET_H

#include <stdbool.h>

/*
 * UTF-8 is what it is, unless LC_ALL, LC_CTYPE or LANG, the first of them that
 * is set, says otherwise: by another name after a dot, or by a language
 * without one.
 */
bool term_charset_is_utf8(void);

#endif
