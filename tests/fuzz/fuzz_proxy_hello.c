/*
 * The PROXY header. Besides not crashing: a beginning of a header is not one
 * and is not refused; what follows a header does not change it; nothing asks
 * for more than PROXY_HELLO_MAX.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/proxy_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

/* Bytes of exactly that many, so that a sanitizer sees their end. */
static enum proxy_hello_result
read_copy(const uint8_t *in, size_t len, size_t *used)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);
	struct proxy_hello hello;
	enum proxy_hello_result rc;

	if (copy == NULL)
		abort();
	memcpy(copy, in, len);
	rc = proxy_hello_read(&hello, copy, len, used);
	free(copy);
	if (rc == PROXY_HELLO_DONE && !hello.local)
		check(hello.from_port < 65536 && hello.to_port < 65536);
	check(proxy_hello_strresult(rc) != NULL);
	return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	size_t used = 0, again = 0;
	enum proxy_hello_result rc;

	if (len == 0)
		return 0;
	rc = read_copy(in, len, &used);
	if (rc == PROXY_HELLO_MORE)
		check(len < PROXY_HELLO_MAX);
	if (rc != PROXY_HELLO_DONE)
		return 0;
	check(used <= len && used <= PROXY_HELLO_MAX);
	check(read_copy(in, used, &again) == PROXY_HELLO_DONE && again == used);
	for (size_t n = 1; n < used; n++)
		check(read_copy(in, n, &again) == PROXY_HELLO_MORE);
	return 0;
}
