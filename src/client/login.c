#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/mem.h"
#include "client/client_conf.h"
#include "client/login.h"
#include "client/login_netrc.h"
#include "client/login_prompt.h"
#include "client/login_secret.h"
#include "codec/base64.h"

#define BASIC "Basic "
#define BEARER "Bearer "

static bool
has_controls(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)s[i] < ' ' || s[i] == '\x7f')
			return true;
	}
	return false;
}

char *
login_basic(const char *text, size_t len)
{
	size_t head = sizeof(BASIC) - 1;
	char *value;

	if (memchr(text, ':', len) == NULL || has_controls(text, len))
		return NULL;
	value = mem_new(head + BASE64_SIZE(len), 1);
	memcpy(value, BASIC, head);
	base64_put(value + head, text, len);
	return value;
}

/* A token68 (RFC 9110, section 11.2). */
static bool
is_token(const char *s)
{
	size_t n = strspn(s,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789-._~+/");

	return n > 0 && strspn(s + n, "=") == strlen(s + n);
}

static bool
read_user_file(char **value, const struct client_conf *c, char **why)
{
	struct login_secret s;

	if (!login_secret_read(&s, c, c->user_file, why))
		return false;
	*value = login_secret_is_line(&s) ? login_basic(s.text, s.len) : NULL;
	login_secret_clear(&s);
	if (*value == NULL)
		*why =
		    mem_printf("%s: not one line USER:PASSWORD", c->user_file);
	return *value != NULL;
}

static bool
read_bearer_file(char **value, const struct client_conf *c, char **why)
{
	size_t head = sizeof(BEARER) - 1;
	struct login_secret s;

	if (!login_secret_read(&s, c, c->bearer_file, why))
		return false;
	if (login_secret_is_line(&s) && is_token(s.text)) {
		*value = mem_new(head + s.len + 1, 1);
		memcpy(*value, BEARER, head);
		memcpy(*value + head, s.text, s.len);
	} else {
		*why = mem_printf("%s: not one line with a token (letters,"
				  " digits and -._~+/=)",
		    c->bearer_file);
	}
	login_secret_clear(&s);
	return *value != NULL;
}

/* Takes nothing; the user's name may hold no colon. */
static char *
basic_of(const char *user, const char *password)
{
	size_t user_len = strlen(user), len = user_len + 1 + strlen(password);
	char *both = mem_new(len + 1, 1), *value = NULL;

	memcpy(both, user, user_len);
	both[user_len] = ':';
	memcpy(both + user_len + 1, password, len - user_len - 1);
	if (strchr(user, ':') == NULL)
		value = login_basic(both, len);
	login_secret_free_text(both);
	return value;
}

/* ------------------------------------------------- netrc */

/* An owned path. */
static char *
netrc_path(const struct client_conf *c)
{
	const char *home = getenv("HOME"), *path = getenv("NETRC");

	if (c->netrc_file != NULL)
		return mem_strdup(c->netrc_file);
	if (path != NULL && *path != '\0')
		return mem_strdup(path);
	return mem_printf("%s/.netrc", home == NULL ? "" : home);
}

/* *value stays NULL for a host that is not in it. */
static bool
look_up(char **value, const char *text, const char *path, const char *host,
    const char *user, char **why)
{
	struct login_netrc found;
	unsigned line;
	enum login_netrc_result rc =
	    login_netrc_find(text, host, user, &found, &line);

	if (rc < 0) {
		*why = mem_printf("%s:%u: %s", path, line,
		    login_netrc_strresult(rc));
		return false;
	}
	if (rc == LOGIN_NETRC_NONE)
		return true;
	*value = basic_of(found.login, found.password);
	login_netrc_wipe(&found);
	if (*value == NULL)
		*why = mem_printf("%s: the login of %s cannot be sent", path,
		    host);
	return *value != NULL;
}

static bool
read_netrc(char **value, const struct client_conf *c, const char *host,
    const char *user, char **why)
{
	char *path = netrc_path(c);
	struct login_secret s;
	bool ok = login_secret_read(&s, c, path, why);

	if (ok) {
		ok = look_up(value, s.text, path, host, user, why);
		login_secret_clear(&s);
	}
	free(path);
	return ok;
}

/* ------------------------------------------------- at the terminal */

static bool
ask(char **value, const char *host, const char *user, char **why)
{
	char *question = mem_printf("Password of %s at %s: ", user, host);
	char *password = login_prompt_secret(question);

	free(question);
	if (password == NULL) {
		*why = mem_printf("the URL names %s, whose password is nowhere"
				  " to be had (--user-file, --netrc)",
		    user);
		return false;
	}
	*value = basic_of(user, password);
	login_secret_free_text(password);
	if (*value == NULL)
		*why = mem_strdup("that user and password cannot be sent");
	return *value != NULL;
}

bool
login_read(char **value, const struct client_conf *c, char **why)
{
	const struct authority *at = &c->to.at;
	const char *user = at->has_user ? at->user : NULL;

	*value = NULL;
	if (at->password[0] != '\0') {
		*why = mem_strdup("the URL holds a password, which ps(1) shows"
				  " to everybody; --user-file and --netrc keep"
				  " it");
		return false;
	}
	if (c->user_file != NULL)
		return read_user_file(value, c, why);
	if (c->bearer_file != NULL)
		return read_bearer_file(value, c, why);
	if ((c->netrc || c->netrc_file != NULL) &&
	    !read_netrc(value, c, at->host, user, why))
		return false;
	return *value != NULL || user == NULL ||
	    ask(value, at->host, user, why);
}
