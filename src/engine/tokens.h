/*
 * The tokens that let people in, as SHA-256 hashes: the parent sends the file
 * whenever it is read anew.
 */
#ifndef ENGINE_TOKENS_H
#define ENGINE_TOKENS_H

#include <stdbool.h>

#include "base/buf.h"
#include "conf/userfile.h"

struct ipc_piece;

struct tokens {
	struct buf text;      /* of a file that is not complete */
	struct userfile file; /* the last one that was */
};

void tokens_init(struct tokens *);
void tokens_clear(struct tokens *);

/* A piece of the file; false if it makes no sense. */
bool tokens_on_piece(struct tokens *, const struct ipc_piece *);

/*
 * The name of who has that token, which may be empty, or NULL; good until the
 * next message. The time it takes says nothing about the hashes.
 */
const char *tokens_find(const struct tokens *, const char *token);

#endif
