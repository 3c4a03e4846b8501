#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "client/address.h"

void
address_add(struct addresses *all, const struct sockaddr *sa, socklen_t len)
{
	struct address *a = &all->v[all->n];

	if (all->n == ADDRESS_MAX || len > sizeof(a->u))
		return;
	memset(a, 0, sizeof(*a));
	memcpy(&a->u, sa, len);
	a->len = len;
	all->n++;
}

void
address_add_unix(struct addresses *all, const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	address_add(all, (const struct sockaddr *)&un, sizeof(un));
}

/* The first from `at` on of another family; all->n: none. */
static size_t
find_other(const struct addresses *all, size_t at, sa_family_t family)
{
	while (at < all->n && all->v[at].u.sa.sa_family == family)
		at++;
	return at;
}

void
address_interleave(struct addresses *all)
{
	for (size_t i = 1; i < all->n; i++) {
		sa_family_t before = all->v[i - 1].u.sa.sa_family;
		size_t next = find_other(all, i, before);
		struct address a;

		if (next == all->n)
			return;
		a = all->v[next];
		memmove(&all->v[i + 1], &all->v[i], (next - i) * sizeof(a));
		all->v[i] = a;
	}
}

void
address_put(const struct address *a, char out[ADDRESS_TEXT])
{
	char host[NI_MAXHOST], port[NI_MAXSERV];
	bool v6 = a->u.sa.sa_family == AF_INET6;

	if (a->u.sa.sa_family == AF_UNIX)
		(void)snprintf(out, ADDRESS_TEXT, "%.*s",
		    (int)sizeof(a->u.un.sun_path), a->u.un.sun_path);
	else if (getnameinfo(&a->u.sa, a->len, host, sizeof(host), port,
		     sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		(void)snprintf(out, ADDRESS_TEXT, "?");
	else
		(void)snprintf(out, ADDRESS_TEXT, "%s%.90s%s:%.8s",
		    v6 ? "[" : "", host, v6 ? "]" : "", port);
}
