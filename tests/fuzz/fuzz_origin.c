/*
 * Origin rules. The input is lines: Origin, Host, a pattern, a server name, a
 * proxy's host; the first byte holds the switches. Besides not crashing, a page
 * must be let in by the pattern that the log names, and never over a loopback
 * connection under a Host that is not ours.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/http1.h"
#include "codec/origin.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

enum { LINES = 5 };

static void
check(bool ok)
{
	if (!ok)
		abort();
}

/* Cut text into lines in place; those that are missing are empty. */
static void
split(char *text, char *line[LINES])
{
	for (size_t i = 0; i < LINES; i++) {
		line[i] = text;
		text += strcspn(text, "\n");
		if (*text == '\n')
			*text++ = '\0';
	}
}

static void
judge(uint8_t bits, char *line[LINES])
{
	const char *pattern = line[2], *name = line[3];
	char *own;
	struct origin_policy policy = {
		.origins = &pattern,
		.norigins = bits & 1,
		.same_origin = bits & 2,
		.server_names = &name,
		.nserver_names = bits >> 2 & 1,
	};
	struct origin_request rq = {
		.norigins = bits >> 3 & 1,
		.origin = line[0],
		.origin_len = strlen(line[0]),
		.site = bits & 16 ? ORIGIN_SITE_OTHER : ORIGIN_SITE_UNKNOWN,
		.loopback = bits & 32,
		.https = bits & 64,
	};
	struct origin_option o;
	enum origin_verdict v;

	if (http1_split_host(line[1], strlen(line[1]), &rq.host_len, &rq.port))
		rq.host = line[1];
	if (bits & 128 &&
	    http1_split_host(line[4], strlen(line[4]), &rq.proxy_host_len,
		&rq.proxy_port))
		rq.proxy_host = line[4];
	v = origin_check(&policy, &rq);
	check(origin_strrule(v) != NULL);
	origin_option(&policy, &rq, v, &o);
	if (v == ORIGIN_ALLOWED && rq.loopback && rq.norigins > 0 &&
	    policy.nserver_names == 0)
		check(origin_is_loopback(rq.host, rq.host_len) ||
		    origin_is_address(rq.host, rq.host_len));
	if (v != ORIGIN_ERR_UNLISTED && v != ORIGIN_ERR_FOREIGN)
		return;
	own = o.value == NULL ? strdup("*") : strndup(o.value, o.len);
	if (own == NULL)
		return;
	policy.origins = (const char *const *)&own;
	policy.norigins = 1;
	policy.same_origin = false;
	check(origin_check(&policy, &rq) == ORIGIN_ALLOWED);
	free(own);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	char *line[LINES], *text;

	if (len == 0 || (text = malloc(len)) == NULL)
		return 0;
	memcpy(text, in + 1, len - 1);
	text[len - 1] = '\0';
	split(text, line);
	judge(in[0], line);
	free(text);
	return 0;
}
