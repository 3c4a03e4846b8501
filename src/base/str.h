/*
 * Text to values and bounded copies. Nothing here depends on the locale.
 *
 * Parsers take a NUL-terminated text (borrowed), want all of it used, and say
 * false without touching *out if it is not such a value.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal digits only, at most max. */
bool str_uint(const char *s, uint64_t max, uint64_t *out);

/* Bytes: "0", "4096", "64K", "16M", "2G" (K is 1024). */
bool str_size(const char *s, uint64_t *out);

/* Milliseconds: "500ms", "2s", ".5s", "1m", "1h"; a bare number is seconds. */
bool str_duration(const char *s, uint64_t *out_ms);

/* Write a size or duration the way the two above read it, shortest form. */
void str_put_size(char *out, size_t outsz, uint64_t bytes);
void str_put_duration(char *out, size_t outsz, uint64_t ms);

/*
 * ASCII case-insensitive equality: of texts, of as many bytes, and of counted
 * bytes, most of which differ by their count.
 */
bool str_ieq(const char *a, const char *b);
bool str_ieq_bytes(const char *a, const char *b, size_t len);

static inline bool
str_ieqn(const char *a, size_t alen, const char *b, size_t blen)
{
	return alen == blen && str_ieq_bytes(a, b, alen);
}

/*
 * How many bytes of s[0..len) are the mark that some editors put in front of
 * UTF-8: three, or none.
 */
size_t str_mark(const char *s, size_t len);

/* Copy, always NUL-terminated; false if it did not fit (then it is cut). */
bool str_copy(char *out, size_t outsz, const char *s);

/* Two digits 0-9a-f for each byte (both borrowed); no NUL behind them. */
void str_put_hex(void *out, const void *bytes, size_t len);

/* Signal numbers and names without SIG ("TERM" <-> SIGTERM); 0, NULL: no such. */
int str_signal(const char *name);
const char *str_signal_name(int sig);

#endif
