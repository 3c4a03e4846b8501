#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>

#include "base/base.h"
#include "codec/sha1.h"

/* RFC 3174, section 7.3. */
static const struct test_case {
	const char *text;
	unsigned times;
	const char *digest;
} cases[] = {
	{ "", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
	{ "abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
	    "84983e441c3bd26ebaae4aa1f95129e5e54670f1" },
	{ "a", 1000000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f" },
	{ "0123456701234567012345670123456701234567012345670123456701234567",
	    10, "dea356a2cddd90c7a7ecedc5ebb563934f460452" },
};

static void
digests_the_samples(void **state)
{
	static char text[1000000];

	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		size_t len = strlen(cases[i].text);
		uint8_t digest[SHA1_LEN];
		char hex[2 * SHA1_LEN + 1];

		for (size_t j = 0; j < cases[i].times; j++)
			memcpy(text + j * len, cases[i].text, len);
		sha1(text, len * cases[i].times, digest);
		for (size_t j = 0; j < SHA1_LEN; j++)
			(void)snprintf(hex + 2 * j, 3, "%02x", digest[j]);
		assert_string_equal(hex, cases[i].digest);
	}
}

/* Every length around the ends of blocks. */
static void
agrees_with_libcrypto(void **state)
{
	uint8_t data[200], ours[SHA1_LEN], theirs[EVP_MAX_MD_SIZE];

	(void)state;
	for (size_t len = 0; len <= sizeof(data); len++) {
		for (size_t i = 0; i < len; i++)
			data[i] = (uint8_t)(i * 7 + len);
		sha1(data, len, ours);
		assert_int_equal(EVP_Digest(data, len, theirs, NULL, EVP_sha1(),
				     NULL),
		    1);
		assert_memory_equal(ours, theirs, SHA1_LEN);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_the_samples),
		cmocka_unit_test(agrees_with_libcrypto),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
