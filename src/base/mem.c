#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"

void
mem_die(void)
{
	log_error("out of memory");
	_exit(1);
}

void
mem_misfit(const struct buf *b, const char *what)
{
	if (b->starved)
		mem_die();
	bug("%s", what);
}

void *
mem_new(size_t n, size_t size)
{
	void *p;

	if (n == 0 || size == 0)
		n = size = 1;
	if ((p = calloc(n, size)) == NULL)
		mem_die();
	return p;
}

void *
mem_grow(void *p, size_t n, size_t size)
{
	if (n == 0 || size == 0)
		n = size = 1;
	if (n > SIZE_MAX / size || (p = realloc(p, n * size)) == NULL)
		mem_die();
	return p;
}

char *
mem_strdup(const char *s)
{
	return mem_strndup(s, strlen(s));
}

char *
mem_strndup(const char *s, size_t len)
{
	char *copy = mem_new(len + 1, 1);

	if (len > 0)
		memcpy(copy, s, len);
	return copy;
}

char *
mem_printf(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n == -1)
		mem_die();
	return s;
}
