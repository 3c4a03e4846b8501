/*
 * Sec-WebSocket-Extensions, as a request has it and as an answer has it. The
 * first two bytes are what is wanted, the rest is the field's value. What is
 * agreed on never goes beyond what was wanted, and what we answer is an answer
 * that a client can take.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/http1.h"
#include "codec/ws_terms.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static struct http1_head
head_of(const char *value, size_t len)
{
	static const char name[] = "Sec-WebSocket-Extensions";
	struct http1_head head = { .nfields = 1 };

	head.field[0] = (struct http1_field){
		.name = name,
		.name_len = sizeof(name) - 1,
		.value = value,
		.value_len = len,
	};
	return head;
}

static struct ws_terms_side
side_of(uint8_t byte)
{
	return (struct ws_terms_side){
		.takeover = byte & 0x80,
		.bits = (uint8_t)(WS_TERMS_BITS_MIN + (byte & 7)),
	};
}

static void
check_side(const struct ws_terms_side *got, const struct ws_terms_side *wanted)
{
	check(got->bits >= WS_TERMS_BITS_MIN && got->bits <= wanted->bits);
	check(!got->takeover || wanted->takeover);
}

/* A client that bears everything takes whatever we answer to anybody. */
static void
check_answer(const char *answer, const struct ws_terms *terms)
{
	static const struct ws_terms any = { { true, 15 }, { true, 15 } };
	struct http1_head head = head_of(answer, strlen(answer));
	struct ws_terms again;

	check(ws_terms_judge(&head, &any, &again) == WS_TERMS_AGREED);
	check(again.server.takeover == terms->server.takeover &&
	    again.server.bits == terms->server.bits &&
	    again.client.takeover == terms->client.takeover &&
	    again.client.bits == terms->client.bits);
}

static void
run(const struct ws_terms *wanted, const char *value, size_t len)
{
	struct http1_head head = head_of(value, len);
	char answer[WS_TERMS_TEXT];
	struct ws_terms terms;

	if (ws_terms_choose(&head, wanted, &terms, answer) == WS_TERMS_AGREED) {
		check_side(&terms.server, &wanted->server);
		check(!terms.client.takeover || wanted->client.takeover);
		check_answer(answer, &terms);
	}
	if (ws_terms_judge(&head, wanted, &terms) == WS_TERMS_AGREED) {
		check(!terms.server.takeover || wanted->server.takeover);
		check(terms.server.bits <= wanted->server.bits);
		check_side(&terms.client, &wanted->client);
	}
	check(ws_terms_judge(&head, NULL, &terms) != WS_TERMS_AGREED);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	struct ws_terms wanted;
	char *value;

	if (len < 2)
		return 0;
	wanted = (struct ws_terms){ side_of(in[0]), side_of(in[1]) };
	value =
	    malloc(len == 2 ? 1 : len - 2); /* ends where nobody may read on */
	check(value != NULL);
	memcpy(value, in + 2, len - 2);
	run(&wanted, value, len - 2);
	free(value);
	return 0;
}
