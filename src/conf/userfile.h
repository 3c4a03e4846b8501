/*
 * Files of names and hashes, a line each: NAME:HASH.
 *
 * Passwords are what htpasswd(1) writes, with the hashes that crypt(3) knows:
 * bcrypt ($2a$, $2b$, $2y$), yescrypt ($y$, $gy$), scrypt ($7$), and those of
 * SHA-512, SHA-256 and MD5 ($6$, $5$, $1$). A name may be there only once.
 * Tokens are 64 hexadecimal digits, the SHA-256 of the token; a name may be
 * there several times or be empty, a hash only once.
 *
 * A name is at most USERFILE_NAME_MAX bytes without control characters. Empty
 * lines and lines that begin with '#' do not count.
 *
 * Pure. The parent reads the files and judges them; what compares with them
 * is sent their contents and reads them again.
 */
#ifndef CONF_USERFILE_H
#define CONF_USERFILE_H

#include <stdbool.h>
#include <stddef.h>

enum {
	USERFILE_MAX = 1024 * 1024, /* bytes of a file */
	USERFILE_NAME_MAX = 255,
	USERFILE_HASH_MAX = 255,
	USERFILE_TOKEN_LEN = 64,
};

enum userfile_kind { USERFILE_PASSWORDS, USERFILE_TOKENS };

struct userfile_entry {
	const char *name; /* texts: kept by the file */
	const char *hash; /* of tokens: in small letters */
	unsigned line;
};

struct userfile {
	char *text; /* owned */
	size_t len;
	struct userfile_entry *v; /* owned; passwords are sorted by name */
	size_t n;
};

struct userfile_error {
	unsigned line;
	const char *why; /* static */
};

/* Read the text (borrowed). False, with *e filled and nothing to clear. */
bool userfile_read(struct userfile *, enum userfile_kind, const char *text,
    size_t len, struct userfile_error *e);

/* The entry of that name in a file of passwords, or NULL. */
const struct userfile_entry *userfile_find(const struct userfile *,
    const char *name);

/* Wipes what it releases. */
void userfile_clear(struct userfile *);

#endif
