#include <arpa/inet.h>
#include <netinet/in.h>

#include <string.h>

#include "base/addr.h"
#include "base/base.h"
#include "base/str.h"

enum {
	ALL_BITS = 128,
	V4_LEN = 32,
	CUSTOMER_BITS = 64,
};

static const struct addr nobody;
static const uint8_t v4_prefix[12] = { [10] = 0xff, [11] = 0xff };

static void
set_v4(struct addr *a, const void *bytes)
{
	memcpy(a->byte, v4_prefix, sizeof(v4_prefix));
	memcpy(a->byte + sizeof(v4_prefix), bytes, 4);
}

bool
addr_from_bytes(struct addr *a, const uint8_t *bytes, size_t len)
{
	if (len == 4)
		set_v4(a, bytes);
	else if (len == sizeof(a->byte))
		memcpy(a->byte, bytes, sizeof(a->byte));
	else
		return false;
	return !addr_is_unix(a);
}

/* Whether s is numeric; "::" is. */
static bool
read_bytes(struct addr *a, const char *s, size_t len)
{
	char text[ADDR_TEXT];
	struct in_addr v4;

	if (len >= sizeof(text) || memchr(s, '\0', len) != NULL)
		return false;
	memcpy(text, s, len);
	text[len] = '\0';
	if (inet_pton(AF_INET, text, &v4) == 1) {
		set_v4(a, &v4);
		return true;
	}
	return inet_pton(AF_INET6, text, a->byte) == 1;
}

bool
addr_read(struct addr *a, const char *s, size_t len)
{
	struct addr read;

	if (!read_bytes(&read, s, len) || addr_is_unix(&read))
		return false;
	*a = read;
	return true;
}

void
addr_from(struct addr *a, unsigned *port, const struct sockaddr *sa)
{
	const struct sockaddr_in *in = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;

	*a = nobody;
	*port = 0;
	if (sa->sa_family == AF_INET) {
		set_v4(a, &in->sin_addr);
		*port = ntohs(in->sin_port);
	} else if (sa->sa_family == AF_INET6) {
		memcpy(a->byte, &in6->sin6_addr, sizeof(a->byte));
		*port = ntohs(in6->sin6_port);
	}
}

void
addr_put(const struct addr *a, char out[ADDR_TEXT])
{
	if (addr_is_unix(a))
		(void)str_copy(out, ADDR_TEXT, "unix");
	else if (addr_is_ipv4(a))
		(void)inet_ntop(AF_INET, a->byte + sizeof(v4_prefix), out,
		    ADDR_TEXT);
	else
		(void)inet_ntop(AF_INET6, a->byte, out, ADDR_TEXT);
}

bool
addr_same(const struct addr *a, const struct addr *b)
{
	return memcmp(a->byte, b->byte, sizeof(a->byte)) == 0;
}

bool
addr_is_unix(const struct addr *a)
{
	return addr_same(a, &nobody);
}

bool
addr_is_ipv4(const struct addr *a)
{
	return memcmp(a->byte, v4_prefix, sizeof(v4_prefix)) == 0;
}

bool
addr_is_loopback(const struct addr *a)
{
	static const struct addr one = { .byte = { [15] = 1 } };

	return addr_is_ipv4(a) ? a->byte[12] == 127 : addr_same(a, &one);
}

void
addr_cut(struct addr *a, unsigned bits)
{
	size_t whole = bits / 8;

	if (whole >= sizeof(a->byte))
		return;
	a->byte[whole] &= (uint8_t)(0xff00 >> bits % 8);
	memset(a->byte + whole + 1, 0, sizeof(a->byte) - whole - 1);
}

void
addr_cut_customer(struct addr *a)
{
	struct addr cut = *a;

	addr_cut(&cut, CUSTOMER_BITS);
	if (!addr_is_ipv4(a) && !addr_is_unix(&cut))
		*a = cut;
}

/* The bits of a length written after a slash; false if there is none. */
static bool
read_length(const char *s, unsigned top, unsigned *bits)
{
	uint64_t v;

	if (!str_uint(s, top, &v))
		return false;
	*bits = (unsigned)v + ALL_BITS - top;
	return true;
}

bool
addr_net_read(struct addr_net *net, const char *s)
{
	struct addr_net n = { .bits = ALL_BITS };
	size_t len = strcspn(s, "/");
	struct addr cut;

	if (strcmp(s, "unix") != 0) {
		bool v6 = memchr(s, ':', len) != NULL;

		if (!read_bytes(&n.addr, s, len) ||
		    (s[len] == '/' &&
			!read_length(s + len + 1, v6 ? ALL_BITS : V4_LEN,
			    &n.bits)) ||
		    (n.bits == ALL_BITS && addr_is_unix(&n.addr)))
			return false;
	}
	cut = n.addr;
	addr_cut(&cut, n.bits);
	if (!addr_same(&cut, &n.addr))
		return false;
	*net = n;
	return true;
}

bool
addr_net_has(const struct addr_net *net, const struct addr *a)
{
	struct addr cut = *a;

	if (addr_is_unix(a))
		return net->bits == ALL_BITS && addr_is_unix(&net->addr);
	if (addr_is_ipv4(a) != addr_is_ipv4(&net->addr))
		return false;
	addr_cut(&cut, net->bits);
	return addr_same(&cut, &net->addr);
}

bool
addr_nets_have(const struct addr_net *net, size_t n, const struct addr *a)
{
	for (size_t i = 0; i < n; i++) {
		if (addr_net_has(&net[i], a))
			return true;
	}
	return false;
}
