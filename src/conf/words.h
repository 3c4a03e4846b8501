/*
 * A command in one text, cut into words as a shell cuts it: blanks separate,
 * quotes and backslashes keep together (POSIX, XCU 2.2). Nothing is expanded
 * and no character means anything else: for more there is sh -c '...'.
 *
 * Pure.
 */
#ifndef CONF_WORDS_H
#define CONF_WORDS_H

/*
 * Gives the words of text (borrowed) with a NULL after them, at least one; or
 * NULL if there is none, or if a quote or backslash has nothing to end it.
 */
char **words_split(const char *text);

/* NULL is accepted. */
void words_free(char **);

#endif
