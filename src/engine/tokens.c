#include <stdint.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/base.h"
#include "base/log.h"
#include "base/str.h"
#include "engine/tokens.h"
#include "ipc/ipc_codec.h"

enum { SHA256_LEN = USERFILE_TOKEN_LEN / 2 };

void
tokens_init(struct tokens *t)
{
	*t = (struct tokens){ 0 };
	buf_init(&t->text, USERFILE_MAX);
}

void
tokens_clear(struct tokens *t)
{
	buf_clear(&t->text);
	userfile_clear(&t->file);
}

bool
tokens_on_piece(struct tokens *t, const struct ipc_piece *p)
{
	struct userfile_error e;
	struct userfile f;
	bool ok;

	if (!buf_add(&t->text, p->data, p->len))
		return false;
	if (!p->last)
		return true;
	ok = userfile_read(&f, USERFILE_TOKENS,
	    t->text.len == 0 ? "" : (const char *)t->text.data, t->text.len,
	    &e);
	buf_clear(&t->text);
	if (!ok)
		return false;
	userfile_clear(&t->file);
	t->file = f;
	return true;
}

static void
hash(const char *token, char out[USERFILE_TOKEN_LEN])
{
	unsigned char digest[SHA256_LEN];
	unsigned int n;

	if (EVP_Digest(token, strlen(token), digest, &n, EVP_sha256(), NULL) !=
	    1)
		bug("no SHA-256");
	str_put_hex(out, digest, SHA256_LEN);
}

const char *
tokens_find(const struct tokens *t, const char *token)
{
	const char *name = NULL;
	char hex[USERFILE_TOKEN_LEN];

	hash(token, hex);
	for (size_t i = 0; i < t->file.n; i++) {
		const struct userfile_entry *u = &t->file.v[i];

		if (CRYPTO_memcmp(u->hash, hex, sizeof(hex)) == 0)
			name = u->name; /* and go on with the others */
	}
	return name;
}
