#include <string.h>

#include "base/base.h"
#include "base/str.h"
#include "codec/forwarded.h"
#include "codec/http1.h"

/* Some counted text inside the head. */
struct text {
	const char *s;
	size_t len;
};

/* A list in one field or several, taken from its end. */
struct list {
	const struct http1_head *head;
	const char *name;
	size_t field;     /* this one and those after it have been begun */
	struct text rest; /* of that one */
};

/* What one kind of fields says. */
struct said {
	struct addr client;
	unsigned port;
	size_t hops; /* how far the client is from us */
	enum forwarded_proto proto;
	struct text host;
	unsigned host_port;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct text
trim(struct text t)
{
	while (t.len > 0 && is_blank(t.s[0])) {
		t.s++;
		t.len--;
	}
	while (t.len > 0 && is_blank(t.s[t.len - 1]))
		t.len--;
	return t;
}

static bool
text_is(struct text t, const char *word)
{
	return str_ieqn(t.s, t.len, word, strlen(word));
}

/* ------------------------------------------------- lists from their end */

static void
list_init(struct list *l, const struct http1_head *head, const char *name)
{
	*l = (struct list){
		.head = head,
		.name = name,
		.field = head->nfields,
	};
}

/* Go to the field in front; false if there is none. */
static bool
list_next_field(struct list *l)
{
	while (l->field > 0) {
		const struct http1_field *f = &l->head->field[--l->field];

		if (str_ieqn(f->name, f->name_len, l->name, strlen(l->name))) {
			l->rest = (struct text){ f->value, f->value_len };
			return true;
		}
	}
	return false;
}

/*
 * The element in front of those taken so far, empty ones left out. A comma
 * ends an element even inside quotes: what we look for can hold none, and a
 * quotation mark that a client has left open must not swallow what the proxy
 * appended to it.
 */
static bool
list_take(struct list *l, struct text *item)
{
	do {
		size_t at;

		if (l->rest.len == 0 && !list_next_field(l))
			return false;
		at = l->rest.len;
		while (at > 0 && l->rest.s[at - 1] != ',')
			at--;
		item->s = l->rest.s + at;
		item->len = l->rest.len - at;
		*item = trim(*item);
		l->rest.len = at > 0 ? at - 1 : 0;
	} while (item->len == 0);
	return true;
}

/* ------------------------------------------------- elements */

/* One to five digits. */
static bool
read_port(struct text t, unsigned *port)
{
	char text[6];
	uint64_t v;

	if (t.len >= sizeof(text) || memchr(t.s, '\0', t.len) != NULL)
		return false;
	memcpy(text, t.s, t.len);
	text[t.len] = '\0';
	if (!str_uint(text, 65535, &v))
		return false;
	*port = (unsigned)v;
	return true;
}

/* Split what follows an address: nothing, or a colon and a port. */
static bool
split_port(struct text rest, struct text *port)
{
	*port = (struct text){ rest.s, 0 };
	if (rest.len == 0)
		return true;
	if (rest.s[0] != ':' || rest.len == 1)
		return false;
	*port = (struct text){ rest.s + 1, rest.len - 1 };
	return true;
}

/* ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT; a bare IPv6 address only if asked. */
static bool
split_node(struct text t, bool bare, struct addr *a, struct text *port)
{
	const char *end;
	size_t len;

	if (t.len == 0)
		return false;
	if (t.s[0] == '[') {
		if ((end = memchr(t.s, ']', t.len)) == NULL)
			return false;
		len = (size_t)(end - t.s) + 1;
		return memchr(t.s, ':', len) != NULL &&
		    addr_read(a, t.s + 1, len - 2) &&
		    split_port((struct text){ t.s + len, t.len - len }, port);
	}
	end = memchr(t.s, ':', t.len);
	len = end == NULL ? t.len : (size_t)(end - t.s);
	if (addr_read(a, t.s, len))
		return split_port((struct text){ t.s + len, t.len - len },
		    port);
	*port = (struct text){ t.s, 0 };
	return bare && addr_read(a, t.s, t.len);
}

/* An element of X-Forwarded-For. */
static bool
read_x_for(struct text t, struct addr *a, unsigned *port)
{
	struct text p;

	*port = 0;
	return split_node(t, true, a, &p) && (p.len == 0 || read_port(p, port));
}

/* RFC 7239, section 6: a port may be obfuscated too, and is then unknown. */
static bool
read_node(struct text t, struct addr *a, unsigned *port)
{
	struct text p;

	*port = 0;
	return split_node(t, false, a, &p) &&
	    (p.len == 0 || p.s[0] == '_' || read_port(p, port));
}

/* Some proxies tell WebSocket by the scheme. */
static enum forwarded_proto
read_proto(struct text t)
{
	if (text_is(t, "https") || text_is(t, "wss"))
		return FORWARDED_HTTPS;
	return text_is(t, "http") || text_is(t, "ws") ? FORWARDED_HTTP
						      : FORWARDED_UNKNOWN;
}

static void
set_host(struct said *s, struct text t)
{
	size_t len;
	unsigned port;

	if (!http1_split_host(t.s, t.len, &len, &port))
		return;
	s->host = (struct text){ t.s, len };
	s->host_port = port;
}

/* ------------------------------------------------- Forwarded */

/* The parameters of one element; those it has not are empty. */
struct element {
	struct text client, proto, host;
	bool has_client, has_proto, has_host;
};

/* How long the quoted string is that t begins with; 0 if it never ends. */
static size_t
quoted_len(struct text t)
{
	for (size_t i = 1; i < t.len; i++) {
		if (t.s[i] == '"')
			return i + 1;
		if (t.s[i] == '\\')
			i++;
	}
	return 0;
}

/*
 * A value at the start of *t, without its quotes. A backslash stays where it
 * is: no value that we know has one.
 */
static bool
take_value(struct text *t, struct text *value)
{
	size_t len = 0;

	if (t->len > 0 && t->s[0] == '"') {
		if ((len = quoted_len(*t)) == 0)
			return false;
		*value = (struct text){ t->s + 1, len - 2 };
	} else {
		while (len < t->len && t->s[len] != ';' && !is_blank(t->s[len]))
			len++;
		*value = (struct text){ t->s, len };
		if (!http1_is_token(t->s, len))
			return false;
	}
	t->s += len;
	t->len -= len;
	*t = trim(*t);
	return true;
}

/* Remember a parameter that we know; false if the element has it already. */
static bool
set_param(struct element *e, struct text name, struct text value)
{
	const struct {
		const char *name;
		struct text *value;
		bool *has;
	} params[] = {
		{ "for", &e->client, &e->has_client },
		{ "proto", &e->proto, &e->has_proto },
		{ "host", &e->host, &e->has_host },
	};

	for (size_t i = 0; i < nitems(params); i++) {
		if (!text_is(name, params[i].name))
			continue;
		if (*params[i].has)
			return false;
		*params[i].has = true;
		*params[i].value = value;
	}
	return true;
}

/* NAME=VALUE at the start of *t, and a semicolon or the end after it. */
static bool
take_param(struct text *t, struct text *name, struct text *value)
{
	const char *equals = memchr(t->s, '=', t->len);

	if (equals == NULL)
		return false;
	*name = (struct text){ t->s, (size_t)(equals - t->s) };
	t->s += name->len + 1;
	t->len -= name->len + 1;
	return http1_is_token(name->s, name->len) && take_value(t, value) &&
	    (t->len == 0 || t->s[0] == ';');
}

/* RFC 7239, section 4; blanks around a semicolon pass. */
static bool
read_element(struct element *e, struct text t)
{
	struct text name, value;

	*e = (struct element){ .has_client = false };
	while (t.len > 0) {
		if (t.s[0] == ';') {
			t.s++;
			t.len--;
			t = trim(t);
		} else if (!take_param(&t, &name, &value) ||
		    !set_param(e, name, value)) {
			return false;
		}
	}
	return true;
}

/* ------------------------------------------------- the way to the client */

struct walk {
	const struct addr_net *trusted;
	size_t ntrusted;
};

/* Whether the proxy that was reached may name the one in front of it. */
static bool
may_go_on(const struct walk *w, const struct said *s)
{
	return s->hops < FORWARDED_HOPS &&
	    addr_nets_have(w->trusted, w->ntrusted, &s->client);
}

/* The element of a list that belongs to the last hop that was believed. */
static bool
take_of_hop(struct text *item, const struct http1_head *head, const char *name,
    size_t hops)
{
	struct list l;
	struct text t;
	bool any = false;

	list_init(&l, head, name);
	for (size_t i = 0; (i == 0 || i < hops) && list_take(&l, &t); i++) {
		*item = t;
		any = true;
	}
	return any;
}

static void
read_x(struct said *s, const struct walk *w, const struct http1_head *head)
{
	struct list l;
	struct text t;
	struct addr a;
	unsigned port;

	list_init(&l, head, "X-Forwarded-For");
	while (
	    may_go_on(w, s) && list_take(&l, &t) && read_x_for(t, &a, &port)) {
		s->client = a;
		s->port = port;
		s->hops++;
	}
	if (take_of_hop(&t, head, "X-Forwarded-Proto", s->hops))
		s->proto = read_proto(t);
	if (take_of_hop(&t, head, "X-Forwarded-Host", s->hops))
		set_host(s, t);
}

/* An element without "for" still says how its client came to the proxy. */
static void
read_rfc7239(struct said *s, const struct walk *w,
    const struct http1_head *head)
{
	struct list l;
	struct text t;
	struct element e;
	struct addr a;
	unsigned port;

	list_init(&l, head, "Forwarded");
	while (may_go_on(w, s) && list_take(&l, &t) && read_element(&e, t)) {
		if (e.has_proto)
			s->proto = read_proto(e.proto);
		if (e.has_host)
			set_host(s, e.host);
		if (!e.has_client || !read_node(e.client, &a, &port))
			break;
		s->client = a;
		s->port = port;
		s->hops++;
	}
}

/* ------------------------------------------------- both kinds */

static void
set_client(struct said *to, const struct said *from)
{
	to->client = from->client;
	to->port = from->port;
}

/*
 * Whether two kinds may be true together; then *s gets what it lacks. A port
 * is not worth a refusal: that of X-Forwarded-For holds, few name it anyway.
 */
static bool
agree(struct said *s, const struct said *o)
{
	if (!addr_same(&s->client, &o->client))
		return false;
	if (s->proto != FORWARDED_UNKNOWN && o->proto != FORWARDED_UNKNOWN &&
	    s->proto != o->proto)
		return false;
	if (s->host.len > 0 && o->host.len > 0 &&
	    (s->host_port != o->host_port ||
		!str_ieqn(s->host.s, s->host.len, o->host.s, o->host.len)))
		return false;
	if (s->proto == FORWARDED_UNKNOWN)
		s->proto = o->proto;
	if (s->host.len == 0) {
		s->host = o->host;
		s->host_port = o->host_port;
	}
	return true;
}

bool
forwarded_read(struct forwarded *f, const struct http1_head *head,
    const struct addr_net *trusted, size_t ntrusted, const struct addr *peer,
    unsigned peer_port)
{
	const struct walk w = { trusted, ntrusted };
	struct said said = { .client = *peer, .port = peer_port };
	struct said other = said;

	*f = (struct forwarded){
		.trusted = addr_nets_have(trusted, ntrusted, peer),
		.client = *peer,
		.port = peer_port,
	};
	if (!f->trusted)
		return true;
	read_x(&said, &w, head);
	read_rfc7239(&other, &w, head);
	if (http1_count(head, "X-Forwarded-For") == 0)
		set_client(&said, &other);
	else if (http1_count(head, "Forwarded") == 0)
		set_client(&other, &said);
	if (!agree(&said, &other))
		return false;
	f->client = said.client;
	f->port = said.port;
	f->proto = said.proto;
	f->host = said.host.len > 0 ? said.host.s : NULL;
	f->host_len = said.host.len;
	f->host_port = said.host_port;
	return true;
}
