/*
 * The texts that the client's options take, beside those of conf/names.h. Each
 * function takes a text (borrowed) and gives its canonical form, which it would
 * give again unchanged, or NULL if it is no such text.
 */
#ifndef CLIENT_ITEMS_H
#define CLIENT_ITEMS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * "NAME: VALUE", a field of a request; "@FILE" stays as it is. No control
 * characters, and none of the fields that are the handshake itself.
 */
char *item_header(const char *);

/* Whether a line (len bytes, any) is such a field, and not "@FILE". */
bool item_is_header(const char *line, size_t len);

/* NAME=VALUE, as a Cookie field holds it. */
char *item_cookie(const char *);

/* An Origin as it is sent: null, or scheme://host[:port]. */
char *item_origin(const char *);

/*
 * [sha256:]DIGITS, with or without colons between them, or sha256//BASE64; 64
 * small hex digits.
 */
char *item_pin(const char *);

/* ADDRESS:PORT, unix:PATH or fd:NAME, without any of the daemon's prefixes. */
char *item_listen(const char *);

/* What a shell is to run: not nothing. */
char *item_script(const char *);

#endif
