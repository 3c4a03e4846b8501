/*
 * What a request head asks of a file: conditions, a range, codings, dates. The
 * first two bytes are the file's size, the rest is a head; whatever it says,
 * a part lies inside the file, and a date that was read is written and read
 * again as the same.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/http1.h"
#include "codec/http_accept.h"
#include "codec/http_cond.h"
#include "codec/http_date.h"
#include "codec/http_range.h"
#include "codec/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define NOW 1763800000

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static void
use_range(const struct http1_field *f, uint64_t size)
{
	char out[HTTP_RANGE_SIZE];
	struct http_range r;

	if (http_range_read(f->value, f->value_len, size, &r) !=
	    HTTP_RANGE_PART)
		return;
	check(r.length > 0 && r.first < size && r.length <= size - r.first);
	http_range_put(out, &r, size);
	check(strlen(out) < sizeof(out));
}

static void
use_date(const struct http1_field *f)
{
	char out[HTTP_DATE_SIZE];
	int64_t t = 0, back = 0;

	if (!http_date_read(f->value, f->value_len, NOW, &t))
		return;
	http_date_put(out, t);
	check(http_date_read(out, strlen(out), NOW, &back) && back == t);
}

static void
use_head(const struct http1_head *head, uint64_t size)
{
	static const char *const tags[] = { "\"a\"", "W/\"a\"" };
	enum http_coding out[HTTP_CODINGS];
	size_t n = http_accept_codings(head, out);

	check(n > 0 && n <= HTTP_CODINGS);
	check(out[n - 1] == HTTP_CODING_IDENTITY);
	(void)http_accept_html(head);
	for (size_t i = 0; i < 2; i++) {
		const struct http_cond c = { tags[i], 784111777, NOW };

		(void)http_cond_decide(&c, head);
		(void)http_cond_range(&c, head);
	}
	for (size_t i = 0; i < head->nfields; i++) {
		use_range(&head->field[i], size);
		use_range(&head->field[i], UINT64_MAX - size);
		use_date(&head->field[i]);
	}
	check(mime_type(head->target, head->target_len) != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	size_t scanned = 0, used = 0;
	struct http1_head head;
	uint64_t size;

	if (len < 2)
		return 0;
	size = (uint64_t)in[0] << 8 | in[1];
	if (http1_read_request(&head, in + 2, len - 2, &scanned, &used) ==
	    HTTP1_HEAD)
		use_head(&head, size);
	return 0;
}
