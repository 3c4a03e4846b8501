/*
 * Files of passwords and of tokens: the first byte says which. What is read
 * keeps to its limits and is found again; what is refused has a line.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf/userfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	enum userfile_kind kind;
	struct userfile_error e;
	struct userfile f;

	if (len == 0)
		return 0;
	kind = in[0] & 1 ? USERFILE_TOKENS : USERFILE_PASSWORDS;
	if (!userfile_read(&f, kind, (const char *)in + 1, len - 1, &e)) {
		check(e.line > 0 && e.why != NULL && f.v == NULL);
		return 0;
	}
	for (size_t i = 0; i < f.n; i++) {
		const struct userfile_entry *u = &f.v[i];

		check(strlen(u->name) <= USERFILE_NAME_MAX);
		check(strlen(u->hash) <= USERFILE_HASH_MAX && u->line > 0);
		if (kind == USERFILE_TOKENS)
			check(strlen(u->hash) == USERFILE_TOKEN_LEN);
		else
			check(userfile_find(&f, u->name) == u);
	}
	userfile_clear(&f);
	return 0;
}
