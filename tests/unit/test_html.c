#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/buf.h"
#include "codec/html.h"

static void
escapes(void **state)
{
	static const char *const rows[][2] = {
		{ "", "" },
		{ "plain \xc3\xa4", "plain \xc3\xa4" },
		{ "<script>", "&lt;script&gt;" },
		{ "\"' onload='x", "&quot;&#39; onload=&#39;x" },
		{ "a&b&amp;", "a&amp;b&amp;amp;" },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		struct buf b;

		buf_init(&b, 100);
		assert_true(html_put(&b, rows[i][0], strlen(rows[i][0])));
		assert_int_equal(b.len, strlen(rows[i][1]));
		if (b.len > 0)
			assert_memory_equal(b.data, rows[i][1], b.len);
		buf_clear(&b);
	}
}

static void
stops_at_the_ceiling(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 4);
	assert_false(html_put(&b, "abc<", 4));
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes),
		cmocka_unit_test(stops_at_the_ceiling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
