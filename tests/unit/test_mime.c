#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "codec/mime.h"

static void
knows_types(void **state)
{
	static const char *const rows[][2] = {
		{ "a.html", "text/html; charset=utf-8" },
		{ "A.HTM", "text/html; charset=utf-8" },
		{ "a.js", "text/javascript; charset=utf-8" },
		{ "a.mjs", "text/javascript; charset=utf-8" },
		{ "a.min.css", "text/css; charset=utf-8" },
		{ "a.json", "application/json" },
		{ "a.wasm", "application/wasm" },
		{ "a.svg", "image/svg+xml" },
		{ "a.woff2", "font/woff2" },
		{ "a.webmanifest", "application/manifest+json" },
		{ "a.zst", "application/zstd" },
		{ "a.7z", "application/x-7z-compressed" },
		{ "a.tar.gz", "application/gzip" },
		{ "html", "application/octet-stream" },
		{ "a.", "application/octet-stream" },
		{ "", "application/octet-stream" },
		{ "a.html.unknown", "application/octet-stream" },
		{ "a.averylongextension", "application/octet-stream" },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++)
		assert_string_equal(mime_type(rows[i][0], strlen(rows[i][0])),
		    rows[i][1]);
}

/* A name is counted, not ended. */
static void
stops_at_the_length(void **state)
{
	(void)state;
	assert_string_equal(mime_type("a.jsx", 4),
	    "text/javascript; charset=utf-8");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_types),
		cmocka_unit_test(stops_at_the_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
