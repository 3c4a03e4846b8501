#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "codec/http_date.h"

enum { DAY = 86400 };

static const char *const days[] = { "Sunday", "Monday", "Tuesday", "Wednesday",
	"Thursday", "Friday", "Saturday" };
static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

struct date {
	unsigned year, month, day; /* month and day count from 1 */
	unsigned hour, minute, second;
};

static bool
is_leap(unsigned year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned
days_of_month(unsigned year, unsigned month)
{
	static const unsigned char n[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30,
		31, 30, 31 };

	return month == 2 && is_leap(year) ? 29 : n[month - 1];
}

/* Days from the first of March of year 0 to a date, and to 1970. */
enum { EPOCH = 719468 };

/* A year that begins in March has its odd day at the end. */
static int64_t
days_until(unsigned year, unsigned month, unsigned day)
{
	unsigned y = month > 2 ? year : year - 1;
	unsigned m = (month + 9) % 12; /* since March */

	return (int64_t)y * 365 + y / 4 - y / 100 + y / 400 +
	    (m * 306 + 5) / 10 + day - 1 - EPOCH;
}

static int64_t
seconds_until(const struct date *d)
{
	return days_until(d->year, d->month, d->day) * DAY +
	    (int64_t)d->hour * 3600 + d->minute * 60 + d->second;
}

/* The nearest time of the years 1 to 9999. */
static int64_t
bound(int64_t t)
{
	const int64_t first = days_until(1, 1, 1) * DAY;
	const int64_t last = days_until(10000, 1, 1) * DAY - 1;

	return t < first ? first : t > last ? last : t;
}

/* t is within those bounds. */
static struct date
date_of(int64_t t)
{
	struct date d = { .year = 1, .month = 1 };
	int64_t n = t / DAY - (t % DAY < 0);
	unsigned rest = (unsigned)(t - n * DAY);

	/* near enough from below, then the years that are left */
	d.year = (unsigned)((n + EPOCH) / 366);
	if (d.year == 0)
		d.year = 1;
	while (days_until(d.year + 1, 1, 1) <= n)
		d.year++;
	while (days_until(d.year, d.month, 1) +
		(int64_t)days_of_month(d.year, d.month) <=
	    n)
		d.month++;
	d.day = (unsigned)(n - days_until(d.year, d.month, 1)) + 1;
	d.hour = rest / 3600;
	d.minute = rest / 60 % 60;
	d.second = rest % 60;
	return d;
}

void
http_date_put(char out[HTTP_DATE_SIZE], int64_t t)
{
	struct date d = date_of(bound(t));
	int64_t n = days_until(d.year, d.month, d.day) + EPOCH;

	/* that first of March was a Wednesday */
	(void)snprintf(out, HTTP_DATE_SIZE,
	    "%.3s, %02u %s %04u %02u:%02u:%02u GMT", days[(n + 3) % 7],
	    d.day % 100, months[d.month - 1], d.year % 10000, d.hour % 100,
	    d.minute % 100, d.second % 100);
}

/* Reading */

struct cursor {
	const char *p;
	size_t len;
};

static bool
take_text(struct cursor *c, const char *text, size_t len)
{
	if (c->len < len || memcmp(c->p, text, len) != 0)
		return false;
	c->p += len;
	c->len -= len;
	return true;
}

/* Which of n names is next; `len` bytes of each, 0 for all. */
static bool
take_name(struct cursor *c, const char *const *names, size_t n, size_t len,
    unsigned *which)
{
	for (size_t i = 0; i < n; i++) {
		if (take_text(c, names[i], len > 0 ? len : strlen(names[i]))) {
			*which = (unsigned)i;
			return true;
		}
	}
	return false;
}

static bool
take_number(struct cursor *c, size_t digits, unsigned *out)
{
	unsigned n = 0;

	if (c->len < digits)
		return false;
	for (size_t i = 0; i < digits; i++) {
		if (c->p[i] < '0' || c->p[i] > '9')
			return false;
		n = n * 10 + (unsigned)(c->p[i] - '0');
	}
	c->p += digits;
	c->len -= digits;
	*out = n;
	return true;
}

/* The nearest year with these two digits, at most 50 ahead. */
static unsigned
full_year(unsigned two, int64_t now)
{
	unsigned this = date_of(bound(now)).year;
	unsigned year = this - this % 100 + two;

	return year > this + 50 ? year - 100 : year;
}

/* One conversion, as strptime() names them. */
static bool
take_part(struct cursor *c, char what, int64_t now, struct date *d)
{
	unsigned n = 0;

	switch (what) {
	case 'a':
		return take_name(c, days, nitems(days), 3, &n);
	case 'A':
		return take_name(c, days, nitems(days), 0, &n);
	case 'b':
		if (!take_name(c, months, nitems(months), 3, &n))
			return false;
		d->month = n + 1;
		return true;
	case 'd':
		return take_number(c, 2, &d->day);
	case 'e': /* a blank before a single digit */
		return take_text(c, " ", 1) ? take_number(c, 1, &d->day)
					    : take_number(c, 2, &d->day);
	case 'H':
		return take_number(c, 2, &d->hour);
	case 'M':
		return take_number(c, 2, &d->minute);
	case 'S':
		return take_number(c, 2, &d->second);
	case 'Y':
		return take_number(c, 4, &d->year);
	default: /* y */
		if (!take_number(c, 2, &n))
			return false;
		d->year = full_year(n, now);
		return true;
	}
}

static bool
take_form(struct cursor c, const char *form, int64_t now, struct date *d)
{
	for (; *form != '\0'; form++) {
		bool ok = *form == '%' ? take_part(&c, *++form, now, d)
				       : take_text(&c, form, 1);

		if (!ok)
			return false;
	}
	return c.len == 0;
}

bool
http_date_read(const char *s, size_t len, int64_t now, int64_t *t)
{
	static const char *const forms[] = {
		"%a, %d %b %Y %H:%M:%S GMT",
		"%A, %d-%b-%y %H:%M:%S GMT",
		"%a %b %e %H:%M:%S %Y",
	};
	const struct cursor c = { s, len };

	for (size_t i = 0; i < nitems(forms); i++) {
		struct date d = { 0 };

		if (!take_form(c, forms[i], now, &d))
			continue;
		if (d.year < 1 || d.day < 1 ||
		    d.day > days_of_month(d.year, d.month) || d.hour > 23 ||
		    d.minute > 59 || d.second > 60)
			return false;
		*t = seconds_until(&d);
		return true;
	}
	return false;
}
