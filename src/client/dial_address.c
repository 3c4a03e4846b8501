#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "client/dial_address.h"

void
dial_address_add(struct dial_addresses *all, const struct sockaddr *sa,
    socklen_t len)
{
	struct dial_address *a = &all->v[all->n];

	if (all->n == DIAL_ADDRESS_MAX || len > sizeof(a->u))
		return;
	memset(a, 0, sizeof(*a));
	memcpy(&a->u, sa, len);
	a->len = len;
	all->n++;
}

void
dial_address_add_unix(struct dial_addresses *all, const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	dial_address_add(all, (const struct sockaddr *)&un, sizeof(un));
}

/* The first from `at` on of another family; all->n: none. */
static size_t
find_other(const struct dial_addresses *all, size_t at, sa_family_t family)
{
	while (at < all->n && all->v[at].u.sa.sa_family == family)
		at++;
	return at;
}

void
dial_address_interleave(struct dial_addresses *all)
{
	for (size_t i = 1; i < all->n; i++) {
		sa_family_t before = all->v[i - 1].u.sa.sa_family;
		size_t next = find_other(all, i, before);
		struct dial_address a;

		if (next == all->n)
			return;
		a = all->v[next];
		memmove(&all->v[i + 1], &all->v[i], (next - i) * sizeof(a));
		all->v[i] = a;
	}
}

void
dial_address_put(const struct dial_address *a, char out[DIAL_ADDRESS_TEXT])
{
	char host[NI_MAXHOST], port[NI_MAXSERV];
	bool v6 = a->u.sa.sa_family == AF_INET6;

	if (a->u.sa.sa_family == AF_UNIX)
		(void)snprintf(out, DIAL_ADDRESS_TEXT, "%.*s",
		    (int)sizeof(a->u.un.sun_path), a->u.un.sun_path);
	else if (getnameinfo(&a->u.sa, a->len, host, sizeof(host), port,
		     sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		(void)snprintf(out, DIAL_ADDRESS_TEXT, "?");
	else
		(void)snprintf(out, DIAL_ADDRESS_TEXT, "%s%.90s%s:%.8s",
		    v6 ? "[" : "", host, v6 ? "]" : "", port);
}
