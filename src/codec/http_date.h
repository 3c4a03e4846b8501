/*
 * Dates as HTTP writes them (RFC 9110, section 5.6.7), to and from seconds
 * since 1970.
 *
 * Pure, and neither locale nor time zone has a say.
 */
#ifndef CODEC_HTTP_DATE_H
#define CODEC_HTTP_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_DATE_SIZE = 30 }; /* "Sun, 06 Nov 1994 08:49:37 GMT" and a NUL */

/* A time of the years 1 to 9999; others become the nearest of these. */
void http_date_put(char out[HTTP_DATE_SIZE], int64_t t);

/*
 * Read any of the three forms that there ever were. `now` decides about years
 * of two digits: more than 50 years ahead, they are of the past. False, with
 * *t as it was, if it is none; the day of the week need not fit the date.
 */
bool http_date_read(const char *s, size_t len, int64_t now, int64_t *t);

#endif
