#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/base.h"
#include "base/str.h"
#include "codec/http1.h"
#include "codec/http_accept.h"

enum { Q_NONE = -1, Q_MAX = 1000 };

/* An element of a list: what it names, and how much that is wanted. */
struct wish {
	const char *name;
	size_t len;
	int q;
};

static void
trim(const char **s, size_t *len)
{
	while (*len > 0 && (**s == ' ' || **s == '\t')) {
		(*s)++;
		(*len)--;
	}
	while (*len > 0 && ((*s)[*len - 1] == ' ' || (*s)[*len - 1] == '\t'))
		(*len)--;
}

/* 0, 0.5, 0.125, 1 or 1.000, in thousandths; Q_NONE if it is none of these. */
static int
read_q(const char *s, size_t len)
{
	int q, unit = Q_MAX;

	if (len == 0 || len > 5 || (s[0] != '0' && s[0] != '1') ||
	    (len > 1 && s[1] != '.'))
		return Q_NONE;
	q = (s[0] - '0') * unit;
	for (size_t i = 2; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return Q_NONE;
		unit /= 10;
		q += (s[i] - '0') * unit;
	}
	return q <= Q_MAX ? q : Q_NONE;
}

/* NAME[;PARAMETER]...; of the parameters only q counts. */
static struct wish
read_wish(const char *s, size_t len)
{
	struct wish w = { .name = s, .len = len, .q = Q_MAX };
	const char *semi = memchr(s, ';', len);

	if (semi != NULL)
		w.len = (size_t)(semi - s);
	while (semi != NULL) {
		const char *p = semi + 1;
		size_t left = len - (size_t)(p - s);

		semi = left > 0 ? memchr(p, ';', left) : NULL;
		if (semi != NULL)
			left = (size_t)(semi - p);
		trim(&p, &left);
		if (left >= 2 && str_ieqn(p, 2, "q=", 2))
			w.q = read_q(p + 2, left - 2);
	}
	trim(&w.name, &w.len);
	return w;
}

/*
 * What the field says of each of n names, Q_NONE if nothing. Of two things said
 * about one, the last counts.
 */
static void
read_field(const struct http1_head *head, const char *field,
    const char *const *names, int *q, size_t n)
{
	const struct http1_field *f = NULL;

	for (size_t i = 0; i < n; i++)
		q[i] = Q_NONE;
	while ((f = http1_find(head, field, f)) != NULL) {
		const char *rest = f->value, *item;
		size_t rest_len = f->value_len, len;

		while (http1_next_item(&rest, &rest_len, &item, &len)) {
			struct wish w = read_wish(item, len);

			for (size_t i = 0; i < n; i++) {
				if (w.q != Q_NONE &&
				    str_ieqn(w.name, w.len, names[i],
					strlen(names[i])))
					q[i] = w.q;
			}
		}
	}
}

size_t
http_accept_codings(const struct http1_head *head,
    enum http_coding out[HTTP_CODINGS])
{
	static const char *const names[] = { "br", "gzip", "identity", "x-gzip",
		"*" };
	enum { X_GZIP = HTTP_CODINGS, ANY };
	int q[nitems(names)];
	size_t n = 0;

	read_field(head, "Accept-Encoding", names, q, nitems(names));
	if (q[HTTP_CODING_GZIP] == Q_NONE)
		q[HTTP_CODING_GZIP] = q[X_GZIP];
	for (size_t i = 0; i < HTTP_CODINGS; i++) {
		if (q[i] == Q_NONE)
			q[i] = q[ANY];
	}
	/* one that is not named is allowed, and worth less than all that are */
	if (q[HTTP_CODING_IDENTITY] == Q_NONE)
		q[HTTP_CODING_IDENTITY] = 1;
	out[0] = HTTP_CODING_BR;
	out[1] = HTTP_CODING_GZIP;
	if (q[HTTP_CODING_GZIP] > q[HTTP_CODING_BR]) {
		out[0] = HTTP_CODING_GZIP;
		out[1] = HTTP_CODING_BR;
	}
	while (n < 2 && q[out[n]] > 0 && q[out[n]] >= q[HTTP_CODING_IDENTITY])
		n++;
	out[n++] = HTTP_CODING_IDENTITY;
	return n;
}

bool
http_accept_html(const struct http1_head *head)
{
	static const char *const names[] = { "text/html", "text/*", "*/*" };
	int q[nitems(names)];

	if (http1_find(head, "Accept", NULL) == NULL)
		return true;
	read_field(head, "Accept", names, q, nitems(names));
	for (size_t i = 0; i < nitems(names); i++) {
		if (q[i] != Q_NONE)
			return q[i] > 0;
	}
	return false;
}
