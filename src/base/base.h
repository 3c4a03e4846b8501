/*
 * The few macros that every file may use.
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <stddef.h>

#define nitems(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#if defined(__GNUC__)
#define attr_printf(fmt, args) __attribute__((format(printf, fmt, args)))
#define attr_noreturn __attribute__((noreturn))
/* Seldom called: its variables cost nothing where it is not. */
#define attr_apart __attribute__((noinline))
#else
#define attr_printf(fmt, args)
#define attr_noreturn
#define attr_apart
#endif

#endif
