#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>

#include "base/base.h"
#include "codec/base64.h"

/* RFC 4648, section 10. */
static const struct test_case {
	const char *bytes;
	const char *text;
} cases[] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
	{ "\xfb\xef\xbe\xff", "++++/w==" },
};

static void
goes_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		size_t len = strlen(cases[i].bytes), n;
		char text[BASE64_SIZE(6)];
		uint8_t bytes[6];

		base64_put(text, cases[i].bytes, len);
		assert_string_equal(text, cases[i].text);
		assert_true(base64_read(text, strlen(text), bytes, &n));
		assert_int_equal(n, len);
		assert_memory_equal(bytes, cases[i].bytes, len);
	}
}

static void
refuses_all_else(void **state)
{
	static const char *const wrong[] = { "Z", "Zg", "Zg=", "Zm9vY",
		"Zh==", "Zm9=", "====", "Z===", "=Zg=", "Zg==Zg==", "Zm=v",
		"Zm9 ", " Zm9v", "Zm9v\n", "Zm-_", "Zm9\xc3" };
	uint8_t bytes[8];
	size_t n;

	(void)state;
	for (size_t i = 0; i < nitems(wrong); i++)
		if (base64_read(wrong[i], strlen(wrong[i]), bytes, &n))
			fail_msg("%s", wrong[i]);
	assert_false(base64_read("Zm\0v", 4, bytes, &n));
}

static void
agrees_with_libcrypto(void **state)
{
	uint8_t data[256], theirs[BASE64_SIZE(sizeof(data))];
	uint8_t back[BASE64_BYTES(sizeof(theirs))];
	char ours[sizeof(theirs)];
	size_t n;

	(void)state;
	for (size_t len = 0; len <= sizeof(data); len++) {
		for (size_t i = 0; i < len; i++)
			data[i] = (uint8_t)(i * 11 + len);
		base64_put(ours, data, len);
		(void)EVP_EncodeBlock(theirs, data, (int)len);
		assert_string_equal(ours, (char *)theirs);
		assert_true(base64_read(ours, strlen(ours), back, &n));
		assert_int_equal(n, len);
		assert_memory_equal(back, data, len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_both_ways),
		cmocka_unit_test(refuses_all_else),
		cmocka_unit_test(agrees_with_libcrypto),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
