#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/mem.h"
#include "base/str.h"
#include "client/client_conf.h"
#include "client/client_value.h"
#include "client/hello_fields.h"
#include "client/login.h"
#include "client/login_secret.h"
#include "codec/ws_url.h"

static bool
has_field(const struct hello_fields *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++) {
		if (str_ieq(f->v[i].name, name))
			return true;
	}
	return false;
}

static bool
is_single(const char *name)
{
	return str_ieq(name, "Authorization") || str_ieq(name, "Cookie") ||
	    str_ieq(name, "Origin");
}

/* Takes both texts, whatever it says. */
static bool
add(struct hello_fields *f, char *name, char *value, char **why)
{
	bool single = is_single(name);

	if (f->n == HELLO_FIELDS_MAX) {
		*why =
		    mem_printf("more than %d header fields", HELLO_FIELDS_MAX);
	} else if (single && has_field(f, name)) {
		*why = mem_printf("%s is asked for twice: a request has one",
		    name);
	} else {
		f->v = mem_grow(f->v, f->n + 1, sizeof(*f->v));
		f->v[f->n++] =
		    (struct http1_out){ .name = name, .value = value };
		return true;
	}
	free(name);
	login_secret_free_text(value);
	return false;
}

static bool
set_host(struct hello_fields *f, char *value, char **why)
{
	size_t host_len;
	unsigned port;

	if (f->host == NULL &&
	    http1_split_host(value, strlen(value), &host_len, &port)) {
		f->host = value;
		return true;
	}
	*why = mem_printf(f->host == NULL
		? "--header=Host: %s: not a host, with or without a port"
		: "--header=Host: %s: it is there twice",
	    value);
	free(value);
	return false;
}

/* A line of len bytes that client_value_is_header(). */
static bool
add_line(struct hello_fields *f, const char *line, size_t len, char **why)
{
	size_t name_len = (size_t)((const char *)memchr(line, ':', len) - line);
	const char *value = line + name_len + 1, *end = line + len;
	char *copy;

	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	copy = mem_strndup(value, (size_t)(end - value));
	if (str_ieqn(line, name_len, "Host", 4))
		return set_host(f, copy, why);
	return add(f, mem_strndup(line, name_len), copy, why);
}

/* ------------------------------------------------- files with lines */

/*
 * Each line of a file that is no comment and not empty. `take` gets a text of
 * its own; what it says of a line that is wrong names no content.
 */
static bool
each_line(struct hello_fields *f, const struct client_conf *conf,
    const char *path,
    bool (*take)(struct hello_fields *, char *line, char **why), char **why)
{
	unsigned number = 0;
	struct login_secret s;
	char *line, *next, *fault = NULL;
	bool ok = true;

	if (!login_secret_read(&s, conf, path, why))
		return false;
	for (line = s.text; ok && *line != '\0'; line = next) {
		next = line + strcspn(line, "\n");
		if (*next != '\0')
			*next++ = '\0';
		number++;
		line[strcspn(line, "\r")] = '\0';
		if (*line != '\0' && *line != '#')
			ok = take(f, line, &fault);
	}
	login_secret_clear(&s);
	if (!ok)
		*why = mem_printf("%s:%u: %s", path, number, fault);
	free(fault);
	return ok;
}

static bool
take_header(struct hello_fields *f, char *line, char **why)
{
	if (line[0] == '@' || !client_value_is_header(line, strlen(line))) {
		*why = mem_strdup("not NAME: VALUE, or a field that only we"
				  " may set");
		return false;
	}
	return add_line(f, line, strlen(line), why);
}

static bool
add_headers(struct hello_fields *f, const struct client_conf *c, char **why)
{
	const struct conf_list *list = &c->header;
	const char *text;
	bool ok = true;

	for (size_t i = 0; ok && i < list->n; i++) {
		text = list->v[i];
		ok = text[0] == '@'
		    ? each_line(f, c, text + 1, take_header, why)
		    : add_line(f, text, strlen(text), why);
	}
	return ok;
}

/* ------------------------------------------------- cookies */

/* One more, after those that are there. Takes nothing. */
static bool
take_cookie(struct hello_fields *f, char *line, char **why)
{
	char *cookie = client_value_cookie(line), *all;
	struct http1_out *last = f->n == 0 ? NULL : &f->v[f->n - 1];

	if (cookie == NULL) {
		*why = mem_strdup("not NAME=VALUE");
		return false;
	}
	if (last == NULL || strcmp(last->name, "Cookie") != 0)
		return add(f, mem_strdup("Cookie"), cookie, why);
	all = mem_printf("%s; %s", last->value, cookie);
	login_secret_free_text(cookie);
	login_secret_free_text((char *)(uintptr_t)last->value);
	last->value = all;
	return true;
}

static bool
add_cookies(struct hello_fields *f, const struct client_conf *c, char **why)
{
	for (size_t i = 0; i < c->cookie.n; i++) {
		if (!take_cookie(f, c->cookie.v[i], why))
			return false;
	}
	return c->cookie_file == NULL ||
	    each_line(f, c, c->cookie_file, take_cookie, why);
}

/* ------------------------------------------------- the rest */

static bool
add_login(struct hello_fields *f, const struct client_conf *c, char **why)
{
	char *value;

	if (!login_read(&value, c, why))
		return false;
	return value == NULL || add(f, mem_strdup("Authorization"), value, why);
}

static bool
add_origin(struct hello_fields *f, const struct client_conf *c, char **why)
{
	const char *origin = c->origin;

	return origin == NULL ||
	    add(f, mem_strdup("Origin"), mem_strdup(origin), why);
}

/* Cookies are joined, so nothing else comes between them. */
bool
hello_fields_open(struct hello_fields *f, const struct client_conf *c,
    char **why)
{
	*f = (struct hello_fields){ .home = mem_new(1, sizeof(*f->home)) };
	*f->home = c->to;
	if (add_login(f, c, why) && add_origin(f, c, why) &&
	    add_cookies(f, c, why) && add_headers(f, c, why))
		return true;
	hello_fields_close(f);
	return false;
}

bool
hello_fields_may_go_to(const struct hello_fields *f, const struct ws_url *url)
{
	return ws_url_same_server(f->home, url);
}

void
hello_fields_close(struct hello_fields *f)
{
	if (f->home != NULL)
		ws_url_wipe(f->home);
	free(f->home);
	for (size_t i = 0; i < f->n; i++) {
		free((char *)(uintptr_t)f->v[i].name);
		login_secret_free_text((char *)(uintptr_t)f->v[i].value);
	}
	free(f->v);
	free(f->host);
	*f = (struct hello_fields){ 0 };
}
