#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "feed.h"
#include "ipc/ipc_codec.h"
#include "ipc/ipc_tls.h"

static size_t
put_file(uint8_t *out, enum ipc_file_kind kind, uint32_t index,
    const char *data)
{
	const struct ipc_file f = { .kind = kind,
		.index = index,
		.len = strlen(data) };

	ipc_put_file_head(out, &f);
	memcpy(out + IPC_FILE_HEAD, data, f.len);
	return IPC_FILE_HEAD + f.len;
}

/* How many files there are; false in *whole if it does not end with one. */
static size_t
count_files(const uint8_t *set, size_t len, bool *whole)
{
	struct guarded g = guarded_new(set, len);
	struct ipc_file f;
	size_t at = 0, n = 0;

	while (ipc_next_file(g.data, len, &at, &f)) {
		assert_true(f.data + f.len <= g.data + len);
		n++;
	}
	*whole = at == len;
	guarded_free(&g);
	return n;
}

static void
reads_the_files_of_a_set(void **state)
{
	uint8_t set[256];
	size_t at = 0, len = 0;
	struct ipc_file f;
	bool whole;

	(void)state;
	len += put_file(set + len, IPC_FILE_CERT, 0, "a certificate");
	len += put_file(set + len, IPC_FILE_KEY, 63, "");
	len += put_file(set + len, IPC_FILE_OCSP, 1, "x");

	assert_true(ipc_next_file(set, len, &at, &f));
	assert_int_equal(f.kind, IPC_FILE_CERT);
	assert_int_equal(f.index, 0);
	assert_int_equal(f.len, 13);
	assert_memory_equal(f.data, "a certificate", 13);
	assert_true(ipc_next_file(set, len, &at, &f));
	assert_int_equal(f.kind, IPC_FILE_KEY);
	assert_int_equal(f.index, 63);
	assert_int_equal(f.len, 0);
	assert_true(ipc_next_file(set, len, &at, &f));
	assert_int_equal(f.kind, IPC_FILE_OCSP);
	assert_false(ipc_next_file(set, len, &at, &f));
	assert_int_equal(at, len);

	/* cut anywhere but between two files, it is not whole */
	for (size_t cut = 0; cut < len; cut++) {
		size_t n = count_files(set, cut, &whole);

		assert_int_equal(whole, cut == 0 || cut == 25 || cut == 37);
		assert_int_equal(n, cut < 25 ? 0 : cut < 37 ? 1 : 2);
	}
}

static void
refuses_what_is_no_file(void **state)
{
	static const struct ipc_file bad[] = {
		{ .kind = IPC_FILE_NONE },
		{ .kind = IPC_FILE_KINDS },
		{ .kind = (enum ipc_file_kind)0x7fffffff },
		{ .kind = IPC_FILE_CERT, .index = IPC_TLS_FILES },
		{ .kind = IPC_FILE_CERT, .index = UINT32_MAX },
		{ .kind = IPC_FILE_CERT, .len = 1 },
		{ .kind = IPC_FILE_CERT, .len = UINT32_MAX },
	};
	uint8_t set[IPC_FILE_HEAD];
	bool whole;

	(void)state;
	for (size_t i = 0; i < nitems(bad); i++) {
		ipc_put_file_head(set, &bad[i]);
		assert_int_equal(count_files(set, sizeof(set), &whole), 0);
		assert_false(whole);
	}
}

static bool
read_verdict(const uint8_t *body, size_t len, struct ipc_verdict *v)
{
	struct guarded g = guarded_new(body, len);
	const struct ipc_msg m = { .body = g.data, .len = len };
	bool ok = ipc_read_verdict(&m, v);

	guarded_free(&g);
	return ok;
}

static void
carries_verdicts(void **state)
{
	uint8_t out[IPC_VERDICT_HEAD + IPC_TLS_WHY], full[300];
	struct ipc_verdict got, v = { .good = true };
	struct ipc_msg m = { .body = out };

	(void)state;
	memset(full, 'x', sizeof(full));
	m.len = ipc_put_verdict(out, &v);
	assert_int_equal(m.len, IPC_VERDICT_HEAD);
	assert_true(ipc_read_verdict(&m, &got));
	assert_true(got.good);
	assert_int_equal(got.kind, IPC_FILE_NONE);
	assert_int_equal(got.why_len, 0);

	v = (struct ipc_verdict){ .kind = IPC_FILE_OCSP,
		.index = 63,
		.why = (char *)full,
		.why_len = sizeof(full) };
	m.len = ipc_put_verdict(out, &v);
	assert_int_equal(m.len, sizeof(out));
	assert_true(ipc_read_verdict(&m, &got));
	assert_false(got.good);
	assert_int_equal(got.kind, IPC_FILE_OCSP);
	assert_int_equal(got.index, 63);
	assert_int_equal(got.why_len, IPC_TLS_WHY);
	assert_memory_equal(got.why, full, IPC_TLS_WHY);

	for (size_t len = 0; len < IPC_VERDICT_HEAD; len++)
		assert_false(read_verdict(out, len, &got));
	v.index = IPC_TLS_FILES;
	assert_false(read_verdict(out, ipc_put_verdict(out, &v), &got));
	v.index = 0;
	v.kind = IPC_FILE_KINDS;
	assert_false(read_verdict(out, ipc_put_verdict(out, &v), &got));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_files_of_a_set),
		cmocka_unit_test(refuses_what_is_no_file),
		cmocka_unit_test(carries_verdicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
