/*
 * The texts that the client's options take, beside those of conf/names.h. Each
 * function takes a text (borrowed) and gives its canonical form, which it would
 * give again unchanged, or NULL if it is no such text.
 */
#ifndef CLIENT_CLIENT_VALUE_H
#define CLIENT_CLIENT_VALUE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * "NAME: VALUE", a field of a request; "@FILE" stays as it is. No control
 * characters, and none of the fields that are the handshake itself.
 */
char *client_value_header(const char *);

/* Whether a line (len bytes, any) is such a field, and not "@FILE". */
bool client_value_is_header(const char *line, size_t len);

/* NAME=VALUE, as a Cookie field holds it. */
char *client_value_cookie(const char *);

/* An Origin as it is sent: null, or scheme://host[:port]. */
char *client_value_origin(const char *);

/*
 * [sha256:]DIGITS, with or without colons between them, or sha256//BASE64; 64
 * small hex digits.
 */
char *client_value_pin(const char *);

/* ADDRESS:PORT, unix:PATH or fd:NAME, without any of the daemon's prefixes. */
char *client_value_listen(const char *);

/* What a shell is to run: not nothing. */
char *client_value_script(const char *);

#endif
