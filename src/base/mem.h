/*
 * Memory whose size we choose ourselves: it cannot fail, it ends the process
 * instead. Memory whose size a peer chooses comes from base/buf.h.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

#include "base/base.h"

struct buf;

/* Says that there is none, and ends the process. */
void mem_die(void) attr_noreturn;

/*
 * What always fits into a buffer did not, `what` in words: memory is out, or
 * we are wrong.
 */
void mem_misfit(const struct buf *, const char *what) attr_noreturn;

/* Zeroed memory for n objects of `size` bytes; gives it, free() takes it. */
void *mem_new(size_t n, size_t size);

/* As realloc(n * size) with the product checked; takes p, gives the result. */
void *mem_grow(void *p, size_t n, size_t size);

/*
 * Gives a copy of the text, or of the len bytes (if there are none, s may be
 * NULL) with a NUL after them.
 */
char *mem_strdup(const char *s);
char *mem_strndup(const char *s, size_t len);

/* Gives the formatted text. */
char *mem_printf(const char *fmt, ...) attr_printf(1, 2);

#endif
