/*
 * Who we are on which machine, as ftp(1) and curl(1) read it: ~/.netrc.
 *
 *      machine HOST login NAME password WORD
 *      default login NAME password WORD
 *
 * Words are apart by blanks and line ends; one in double quotes may hold
 * blanks, and \ in it takes the next character as it is. A # where a name is
 * due begins a comment. `account WORD` is skipped, and so is a macdef, up to an
 * empty line. The first machine that fits counts, and `default` fits every one.
 *
 * Pure.
 */
#ifndef CLIENT_LOGIN_NETRC_H
#define CLIENT_LOGIN_NETRC_H

enum { LOGIN_NETRC_WORD_MAX = 511 };

/* Zero: no such machine. Negative: a file that cannot be understood. */
enum login_netrc_result {
	LOGIN_NETRC_NONE = 0,
	LOGIN_NETRC_FOUND = 1,
	LOGIN_NETRC_ERR_WORD = -1, /* a word that means nothing here */
	LOGIN_NETRC_ERR_END =
	    -2, /* it ends where a word is due, or in quotes */
	LOGIN_NETRC_ERR_LONG = -3,  /* a word over LOGIN_NETRC_WORD_MAX */
	LOGIN_NETRC_ERR_ENTRY = -4, /* a login without a machine */
};

/* Texts; empty: none. Secret: login_netrc_wipe() when done. */
struct login_netrc {
	char login[LOGIN_NETRC_WORD_MAX + 1];
	char password[LOGIN_NETRC_WORD_MAX + 1];
};

/*
 * Find the host (in any case) in a text (borrowed), and of its logins that one
 * unless it is NULL. *line is the line where an error is.
 */
enum login_netrc_result login_netrc_find(const char *text, const char *host,
    const char *login, struct login_netrc *, unsigned *line);

const char *login_netrc_strresult(enum login_netrc_result);
void login_netrc_wipe(struct login_netrc *);

#endif
