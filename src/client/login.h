/*
 * Who we say we are: HTTP Basic (RFC 7617) of a user and a password, or a
 * bearer token (RFC 6750).
 *
 * They come from a file or descriptor, from a netrc(5) file, or, where the URL
 * names a user and nothing has the password, from whoever is at the terminal.
 */
#ifndef CLIENT_LOGIN_H
#define CLIENT_LOGIN_H

#include <stdbool.h>
#include <stddef.h>

struct client_conf;

/*
 * The value of an Authorization field for whom conf->to names, as an owned text
 * for login_secret_free_text(); NULL if nobody asked for one. False and an
 * owned sentence in *why.
 */
bool login_read(char **value, const struct client_conf *, char **why);

/*
 * The value of USER:PASSWORD (borrowed), as above. NULL: that is not one (no
 * colon, or control characters).
 */
char *login_basic(const char *text, size_t len);

#endif
