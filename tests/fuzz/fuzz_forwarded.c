/*
 * What proxies say about clients. The input is lines: each is a field, its
 * first byte says which. Besides not crashing: whatever a client wrote, what a
 * trusted proxy appended is what counts; from others nothing does.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "codec/forwarded.h"
#include "codec/http1.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const struct name {
	const char *name;
	const char *truth; /* that a proxy appends */
} names[] = {
	{ "X-Forwarded-For", ",192.0.2.7" },
	{ "Forwarded", ",for=192.0.2.7" },
	{ "X-Forwarded-Proto", ",http" },
	{ "X-Forwarded-Host", ",a.org" },
};

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static struct addr
addr_of(const char *text)
{
	struct addr a;

	check(addr_read(&a, text, strlen(text)));
	return a;
}

/* A field in memory of its own. */
static void
add_field(struct http1_head *head, const struct name *n, const uint8_t *value,
    size_t len, bool truth)
{
	size_t more = truth ? strlen(n->truth) : 0;
	char *copy = malloc(len + more + 1);

	if (copy == NULL)
		abort();
	memcpy(copy, value, len);
	memcpy(copy + len, n->truth, more);
	head->field[head->nfields++] = (struct http1_field){
		.name = n->name,
		.name_len = strlen(n->name),
		.value = copy,
		.value_len = len + more,
	};
}

/* The fields of the input; each line of them with its truth behind it, or none. */
static void
make_head(struct http1_head *head, const uint8_t *in, size_t len, bool truth)
{
	*head = (struct http1_head){ .minor = 1 };
	while (len > 0 && head->nfields < HTTP1_MAX_FIELDS) {
		const uint8_t *end = memchr(in, '\n', len);
		size_t n = end == NULL ? len : (size_t)(end - in);

		if (n > 0)
			add_field(head, &names[in[0] % nitems(names)], in + 1,
			    n - 1, truth);
		n += end != NULL;
		in += n;
		len -= n;
	}
}

static void
free_head(struct http1_head *head)
{
	for (size_t i = 0; i < head->nfields; i++) {
		void *copy = (void *)(uintptr_t)head->field[i].value;

		free(copy);
	}
}

static bool
names_client(const struct http1_head *head)
{
	return http1_count(head, "X-Forwarded-For") +
	    http1_count(head, "Forwarded") >
	    0;
}

static void
check_host(const struct forwarded *f, const struct http1_head *head)
{
	bool inside = f->host == NULL;

	for (size_t i = 0; i < head->nfields && !inside; i++) {
		const struct http1_field *v = &head->field[i];

		inside = f->host >= v->value &&
		    f->host + f->host_len <= v->value + v->value_len;
	}
	check(inside && f->port < 65536 && f->host_port < 65536);
}

static void
judge(const struct http1_head *head, bool truth)
{
	const struct addr proxy = addr_of("10.0.0.1"), other = addr_of("::2");
	const struct addr client = addr_of("192.0.2.7");
	struct addr_net trusted;
	struct forwarded f;

	check(addr_net_read(&trusted, "10.0.0.0/8"));
	check(forwarded_read(&f, head, &trusted, 1, &other, 99));
	check(!f.trusted && addr_same(&f.client, &other) && f.port == 99 &&
	    f.host == NULL && f.proto == FORWARDED_UNKNOWN);
	if (!forwarded_read(&f, head, &trusted, 1, &proxy, 99)) {
		check(!truth);
		return;
	}
	check(f.trusted && !addr_is_unix(&f.client));
	check_host(&f, head);
	if (!truth)
		return;
	if (names_client(head))
		check(addr_same(&f.client, &client));
	if (http1_count(head, "X-Forwarded-Proto") > 0)
		check(f.proto == FORWARDED_HTTP);
	if (http1_count(head, "X-Forwarded-Host") > 0)
		check(f.host_len == 5 && memcmp(f.host, "a.org", 5) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	struct http1_head head;

	for (int truth = 0; truth < 2; truth++) {
		make_head(&head, in, len, truth);
		judge(&head, truth);
		free_head(&head);
	}
	return 0;
}
