#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "codec/http1.h"
#include "codec/http_range.h"

/* Digits at the front of *s, as a number that stays at its largest value. */
static bool
take_number(const char **s, size_t *len, uint64_t *out)
{
	uint64_t n = 0;
	size_t i = 0;

	for (; i < *len && (*s)[i] >= '0' && (*s)[i] <= '9'; i++) {
		uint64_t digit = (uint64_t)((*s)[i] - '0');

		n = n > (UINT64_MAX - digit) / 10 ? UINT64_MAX : n * 10 + digit;
	}
	*s += i;
	*len -= i;
	*out = n;
	return i > 0;
}

/* FIRST-[LAST] or -LENGTH; *r has length 0 if nothing is there. */
static bool
read_one(const char *s, size_t len, uint64_t size, struct http_range *r)
{
	uint64_t first = 0, last = UINT64_MAX;
	bool has_first, has_last;

	has_first = take_number(&s, &len, &first);
	if (len == 0 || *s != '-')
		return false;
	s++;
	len--;
	has_last = take_number(&s, &len, &last);
	if (len > 0 || (!has_first && !has_last))
		return false;
	if (has_first && has_last && last < first)
		return false;
	if (!has_first) { /* the last bytes, as many as there are */
		first = last < size ? size - last : 0;
		last = last > 0 ? UINT64_MAX : 0;
	} else if (!has_last) {
		last = UINT64_MAX;
	}
	*r = (struct http_range){ .first = first };
	if (first < size && last >= first)
		r->length = (last < size ? last + 1 : size) - first;
	return true;
}

enum http_range_result
http_range_read(const char *value, size_t len, uint64_t size,
    struct http_range *r)
{
	const char *item;
	size_t item_len, there = 0, all = 0;
	struct http_range one;

	/* there is no part of nothing, though its last bytes may be asked for */
	if (size == 0 || len < 6 || !str_ieqn(value, 6, "bytes=", 6))
		return HTTP_RANGE_WHOLE;
	value += 6;
	len -= 6;
	while (http1_next_item(&value, &len, &item, &item_len)) {
		if (!read_one(item, item_len, size, &one))
			return HTTP_RANGE_WHOLE;
		all++;
		if (one.length > 0 && there++ == 0)
			*r = one;
	}
	if (all == 0 || there > 1)
		return HTTP_RANGE_WHOLE;
	return there == 1 ? HTTP_RANGE_PART : HTTP_RANGE_NONE;
}

void
http_range_put(char out[HTTP_RANGE_SIZE], const struct http_range *r,
    uint64_t size)
{
	if (r == NULL)
		(void)snprintf(out, HTTP_RANGE_SIZE, "bytes */%" PRIu64, size);
	else
		(void)snprintf(out, HTTP_RANGE_SIZE,
		    "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, r->first,
		    r->first + r->length - 1, size);
}
