/*
 * The head that a program prints. The first byte says how the rest is cut; the
 * outcome must not depend on that, and what is passed on must make a response
 * head that has its fields and no others.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "codec/cgi_answer.h"
#include "codec/http1.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static size_t
count_lines(const struct buf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->len; i++) {
		check((b->data[i] == '\r') ==
		    (i + 1 < b->len && b->data[i + 1] == '\n'));
		n += b->data[i] == '\n';
	}
	return n;
}

static void
check_answer(const struct cgi_answer *a)
{
	struct buf out;

	check(a->status >= 200 && a->status <= 599);
	check(a->local == NULL || a->local[0] == '/');
	for (size_t i = 0; i < a->nfields; i++)
		check(!str_ieq(a->field[i].name, "Transfer-Encoding") &&
		    !str_ieq(a->field[i].name, "Content-Length"));
	buf_init(&out, 2 * CGI_ANSWER_MAX_HEAD);
	check(http1_put_response(&out, a->status, a->reason, a->field,
	    a->nfields));
	check(count_lines(&out) == a->nfields + 2);
	buf_clear(&out);
}

static void
check_same(const struct cgi_answer *a, const struct cgi_answer *b)
{
	check(a->status == b->status && a->nfields == b->nfields);
	check(a->has_length == b->has_length && a->length == b->length);
	for (size_t i = 0; i < a->nfields; i++)
		check(strcmp(a->field[i].name, b->field[i].name) == 0 &&
		    strcmp(a->field[i].value, b->field[i].value) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	enum cgi_answer_result rc, rc_cut = CGI_ANSWER_MORE;
	struct cgi_answer whole, cut;
	size_t step, used, total = 0;

	if (len == 0)
		return 0;
	step = (size_t)*in++ + 1;
	len--;
	cgi_answer_init(&whole);
	cgi_answer_init(&cut);
	rc = cgi_answer_read(&whole, in, len, &used);
	check(used <= len && (rc != CGI_ANSWER_MORE || used == len));
	for (size_t at = 0; at < len && rc_cut == CGI_ANSWER_MORE; at += step) {
		size_t n = 0;

		rc_cut = cgi_answer_read(&cut, in + at,
		    len - at < step ? len - at : step, &n);
		total += n;
	}
	check(rc == rc_cut && used == total);
	if (rc < 0) {
		(void)cgi_answer_spoiled(&whole, &used);
		check(used <= CGI_ANSWER_MAX_SPOILED &&
		    whole.spoiled + whole.spoiled_len <= whole.text.len);
	}
	if (rc == CGI_ANSWER_DONE) {
		check_answer(&whole);
		check_same(&whole, &cut);
	}
	cgi_answer_clear(&whole);
	cgi_answer_clear(&cut);
	return 0;
}
