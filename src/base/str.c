#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/str.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* *v = *v * factor + add, unless it would not fit. */
static bool
scale(uint64_t *v, uint64_t factor, uint64_t add)
{
	if (*v > (UINT64_MAX - add) / factor)
		return false;
	*v = *v * factor + add;
	return true;
}

/* The digits at *s, at least one; *s is left after them. */
static bool
take_digits(const char **s, uint64_t *v)
{
	if (!is_digit(**s))
		return false;
	for (; is_digit(**s); (*s)++) {
		if (!scale(v, 10, (uint64_t)(**s - '0')))
			return false;
	}
	return true;
}

bool
str_uint(const char *s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (!take_digits(&s, &v) || *s != '\0' || v > max)
		return false;
	*out = v;
	return true;
}

struct unit {
	const char *name;
	uint64_t factor;
};

/* Largest first, as they are written. */
static const struct unit size_units[] = {
	{ "G", 1024 * 1024 * 1024 },
	{ "M", 1024 * 1024 },
	{ "K", 1024 },
	{ "", 1 },
};
static const struct unit time_units[] = {
	{ "h", 60 * 60 * 1000 },
	{ "m", 60 * 1000 },
	{ "s", 1000 },
	{ "ms", 1 },
};

static const struct unit *
find_unit(const struct unit *u, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(u[i].name, name) == 0)
			return &u[i];
	}
	return NULL;
}

static void
put_units(char *out, size_t outsz, uint64_t v, const struct unit *u, size_t n)
{
	size_t i = 0;

	if (v == 0) {
		snprintf(out, outsz, "0");
		return;
	}
	while (i < n - 1 && v % u[i].factor != 0)
		i++;
	snprintf(out, outsz, "%" PRIu64 "%s", v / u[i].factor, u[i].name);
}

bool
str_size(const char *s, uint64_t *out)
{
	const struct unit *u;
	uint64_t v = 0;

	if (!take_digits(&s, &v) ||
	    (u = find_unit(size_units, nitems(size_units), s)) == NULL ||
	    !scale(&v, u->factor, 0))
		return false;
	*out = v;
	return true;
}

/* What is no whole number of milliseconds is refused, not rounded (to 0). */
bool
str_duration(const char *s, uint64_t *out_ms)
{
	const struct unit *u;
	uint64_t v = 0, parts = 1;

	if (*s != '.' && !take_digits(&s, &v))
		return false;
	if (*s == '.') {
		const char *fraction = ++s;

		if (!take_digits(&s, &v))
			return false;
		for (; fraction < s; fraction++) {
			if (!scale(&parts, 10, 0))
				return false;
		}
	}
	u = find_unit(time_units, nitems(time_units), *s == '\0' ? "s" : s);
	if (u == NULL || !scale(&v, u->factor, 0) || v % parts != 0)
		return false;
	*out_ms = v / parts;
	return true;
}

void
str_put_size(char *out, size_t outsz, uint64_t bytes)
{
	put_units(out, outsz, bytes, size_units, nitems(size_units));
}

void
str_put_duration(char *out, size_t outsz, uint64_t ms)
{
	put_units(out, outsz, ms, time_units, nitems(time_units));
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool
str_ieq_bytes(const char *a, const char *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (lower(a[i]) != lower(b[i]))
			return false;
	}
	return true;
}

bool
str_ieq(const char *a, const char *b)
{
	return str_ieqn(a, strlen(a), b, strlen(b));
}

size_t
str_mark(const char *s, size_t len)
{
	static const char mark[] = "\xef\xbb\xbf";
	size_t n = sizeof(mark) - 1;

	return len >= n && memcmp(s, mark, n) == 0 ? n : 0;
}

bool
str_copy(char *out, size_t outsz, const char *s)
{
	size_t len = strlen(s);
	bool fits = len < outsz;

	if (outsz == 0)
		return false;
	if (!fits)
		len = outsz - 1;
	memcpy(out, s, len);
	out[len] = '\0';
	return fits;
}

static const struct {
	const char *name;
	int sig;
} signals[] = {
	{ "HUP", SIGHUP },
	{ "INT", SIGINT },
	{ "QUIT", SIGQUIT },
	{ "ILL", SIGILL },
	{ "TRAP", SIGTRAP },
	{ "ABRT", SIGABRT },
	{ "BUS", SIGBUS },
	{ "FPE", SIGFPE },
	{ "KILL", SIGKILL },
	{ "USR1", SIGUSR1 },
	{ "SEGV", SIGSEGV },
	{ "USR2", SIGUSR2 },
	{ "PIPE", SIGPIPE },
	{ "ALRM", SIGALRM },
	{ "TERM", SIGTERM },
	{ "CHLD", SIGCHLD },
	{ "CONT", SIGCONT },
	{ "STOP", SIGSTOP },
	{ "TSTP", SIGTSTP },
	{ "TTIN", SIGTTIN },
	{ "TTOU", SIGTTOU },
	{ "URG", SIGURG },
	{ "XCPU", SIGXCPU },
	{ "XFSZ", SIGXFSZ },
	{ "VTALRM", SIGVTALRM },
	{ "PROF", SIGPROF },
	{ "WINCH", SIGWINCH },
	{ "SYS", SIGSYS },
#ifdef SIGIO
	{ "IO", SIGIO },
#endif
#ifdef SIGPWR
	{ "PWR", SIGPWR },
#endif
#ifdef SIGSTKFLT
	{ "STKFLT", SIGSTKFLT },
#endif
};

void
str_put_hex(void *out, const void *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *in = bytes;
	char *p = out;

	for (size_t i = 0; i < len; i++) {
		*p++ = digits[in[i] >> 4];
		*p++ = digits[in[i] & 15];
	}
}

int
str_signal(const char *name)
{
	for (size_t i = 0; i < nitems(signals); i++) {
		if (str_ieq(signals[i].name, name))
			return signals[i].sig;
	}
	return 0;
}

const char *
str_signal_name(int sig)
{
	for (size_t i = 0; i < nitems(signals); i++) {
		if (signals[i].sig == sig)
			return signals[i].name;
	}
	return NULL;
}
