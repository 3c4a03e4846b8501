/*
 * The names that lists of settings hold. Each function takes a text (borrowed)
 * and gives its canonical form, which it would give again unchanged, or NULL
 * if it is no such name.
 */
#ifndef CONF_NAMES_H
#define CONF_NAMES_H

/* Not empty; and what fits into a struct sockaddr_un. */
char *name_text(const char *);
char *name_socket(const char *);

/* OpenSSL's names of ciphers, with what it has between them. */
char *name_ciphers(const char *);

/*
 * What to listen on: a numeric address, the name of a machine, or "*"; the
 * brackets of "[::1]" are removed.
 */
char *name_address(const char *);

/* USER, USER:GROUP or :GROUP. */
char *name_owner(const char *);

/* A numeric address, an IPv6 one in brackets, and perhaps a port. */
char *name_resolver(const char *);

/* A network as addr_net_read() knows it. */
char *name_network(const char *);

/* RFC 9110 token. */
char *name_token(const char *);

/* The name of a signal without SIG, or none; in capitals but for that. */
char *name_signal(const char *);

/* A parameter of a query that is written as it is; what a browser may show. */
char *name_parameter(const char *);
char *name_realm(const char *);

/* "*", "null" or [scheme://]host[:port], in small letters; *.host is one. */
char *name_origin(const char *);

/* "*" or a host without port, *.host too; small letters, no last dot. */
char *name_host(const char *);

/*
 * A variable's name, which holds no "=" and no blank; NAME=VALUE with a portable
 * name (POSIX, XBD 8.1).
 */
char *name_variable(const char *);
char *name_assignment(const char *);

/* NAME or PREFIX_*, portable. */
char *name_pattern(const char *);

/*
 * "NAME: VALUE", a field for answers: no control characters, and none that says
 * how an answer is framed or what a handshake has agreed on.
 */
char *name_field(const char *);

/* A command for words_split(). */
char *name_command(const char *);

#endif
