#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "codec/http1.h"
#include "codec/http_cond.h"
#include "codec/http_date.h"

/* A tag without its W/; the quotes belong to it. */
struct tag {
	const char *p;
	size_t len;
	bool weak;
};

/* The tag at the front of *s, which is taken off; false if there is none. */
static bool
take_tag(const char **s, size_t *len, struct tag *t)
{
	size_t at = 0;

	t->weak = *len >= 2 && memcmp(*s, "W/", 2) == 0;
	if (t->weak)
		at = 2;
	if (at >= *len || (*s)[at] != '"')
		return false;
	t->p = *s + at;
	for (at++; at < *len && (*s)[at] != '"'; at++) {
		if ((uint8_t)(*s)[at] <= ' ' || (*s)[at] == 0x7f)
			return false;
	}
	if (at == *len)
		return false;
	t->len = (size_t)(*s + at + 1 - t->p);
	*s += at + 1;
	*len -= at + 1;
	return true;
}

static bool
tags_match(const struct tag *a, const struct tag *b, bool strong)
{
	return a->len == b->len && memcmp(a->p, b->p, a->len) == 0 &&
	    !(strong && (a->weak || b->weak));
}

static struct tag
tag_of(const struct http_cond *c)
{
	const char *s = c->etag;
	size_t len = strlen(s);
	struct tag t = { .p = s };

	(void)take_tag(&s, &len, &t);
	return t;
}

/* Tags hold commas, so the list is not http1_next_item()'s. */
static bool
value_has(const char *s, size_t len, const struct tag *ours, bool strong)
{
	struct tag t;

	if (len == 1 && *s == '*')
		return true;
	while (len > 0) {
		if (*s == ',' || *s == ' ' || *s == '\t') {
			s++;
			len--;
		} else if (!take_tag(&s, &len, &t)) {
			return false;
		} else if (tags_match(&t, ours, strong)) {
			return true;
		}
	}
	return false;
}

static bool
list_has(const struct http_cond *c, const struct http1_head *head,
    const char *name, bool strong)
{
	const struct http1_field *f = NULL;
	struct tag ours = tag_of(c);

	while ((f = http1_find(head, name, f)) != NULL) {
		if (value_has(f->value, f->value_len, &ours, strong))
			return true;
	}
	return false;
}

/* The date of a field that is there once and holds one. */
static bool
date_of(const struct http_cond *c, const struct http1_head *head,
    const char *name, int64_t *t)
{
	const struct http1_field *f = http1_find(head, name, NULL);

	return f != NULL && http1_find(head, name, f) == NULL &&
	    http_date_read(f->value, f->value_len, c->now, t);
}

static bool
precondition_holds(const struct http_cond *c, const struct http1_head *head)
{
	int64_t t;

	if (http1_has_items(head, "If-Match"))
		return list_has(c, head, "If-Match", true);
	return !date_of(c, head, "If-Unmodified-Since", &t) || c->modified <= t;
}

enum http_cond_result
http_cond_decide(const struct http_cond *c, const struct http1_head *head)
{
	bool get =
	    http1_method_is(head, "GET") || http1_method_is(head, "HEAD");
	int64_t t;

	if (!precondition_holds(c, head))
		return HTTP_COND_FAILED;
	if (http1_has_items(head, "If-None-Match")) {
		if (!list_has(c, head, "If-None-Match", false))
			return HTTP_COND_GO;
		return get ? HTTP_COND_NOT_MODIFIED : HTTP_COND_FAILED;
	}
	if (get && date_of(c, head, "If-Modified-Since", &t) &&
	    c->modified <= t)
		return HTTP_COND_NOT_MODIFIED;
	return HTTP_COND_GO;
}

bool
http_cond_range(const struct http_cond *c, const struct http1_head *head)
{
	const struct http1_field *f = http1_find(head, "If-Range", NULL);
	struct tag ours = tag_of(c), theirs;
	const char *s;
	size_t len;
	int64_t t;

	if (f == NULL)
		return true;
	s = f->value;
	len = f->value_len;
	if (http1_find(head, "If-Range", f) != NULL)
		return false;
	if (take_tag(&s, &len, &theirs))
		return len == 0 && tags_match(&theirs, &ours, true);
	/* a file may change twice in one second (section 8.8.2.2) */
	return http_date_read(f->value, f->value_len, c->now, &t) &&
	    t == c->modified && c->now - c->modified > 1;
}
