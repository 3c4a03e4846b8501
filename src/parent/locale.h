/*
 * The locale of programs: messages are UTF-8, so theirs is, too.
 */
#ifndef PARENT_LOCALE_H
#define PARENT_LOCALE_H

#include <stddef.h>

enum { LOCALE_VARS = 14 };

/*
 * Gives NAME=value of what a program gets, and how many: LANG and the LC_
 * variables of our own environment. Those that would have it write other bytes
 * than UTF-8 are left out; then, and where there is no LANG, LANG is C.UTF-8.
 */
size_t locale_make(char *vars[LOCALE_VARS]);

#endif
