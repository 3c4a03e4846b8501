/*
 * The command line and what the engine gets of it. The input is words, each
 * ended by NUL or newline; the same bytes are also read as packed settings.
 * What is accepted must survive packing, unpacking and packing unchanged, and
 * what is refused must have a reason.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf/cmdline.h"
#include "conf/wire.h"
#include "conf/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

enum { WORDS_MAX = 64, WIRE_MAX = 1 << 20 };

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static void
round_trip(const struct conf *c)
{
	struct conf got;
	struct buf first, second;

	buf_init(&first, WIRE_MAX);
	buf_init(&second, WIRE_MAX);
	if (wire_pack(c, &first)) {
		check(wire_unpack(&got, first.data, first.len));
		check(wire_pack(&got, &second));
		check(first.len == second.len &&
		    memcmp(first.data, second.data, first.len) == 0);
		conf_clear(&got);
	}
	buf_clear(&first);
	buf_clear(&second);
}

/* Cut text (which ends with a NUL) into words in place; how many. */
static int
split(char *text, size_t len, char **argv)
{
	int argc = 0;

	for (size_t at = 0; at < len && argc < WORDS_MAX; argc++) {
		size_t n = strcspn(text + at, "\n");

		argv[argc] = text + at;
		text[at + n] = '\0';
		at += n + 1;
	}
	return argc;
}

static void
read_words(char *text, size_t len)
{
	char *argv[WORDS_MAX + 1] = { NULL }, *why = NULL;
	enum cmdline_result result;
	struct conf c;

	conf_init(&c);
	result = cmdline_read(&c, split(text, len, argv), argv, &why);
	check((why != NULL) == (result == CMDLINE_ERROR));
	if (result == CMDLINE_RUN)
		round_trip(&c);
	free(why);
	conf_clear(&c);
}

/* A word is at most as long as the text; single quotes bring any word back. */
static void
split_words(const char *text)
{
	char **words = words_split(text), **again;
	struct buf b;
	size_t n = 0;

	if (words == NULL)
		return;
	buf_init(&b, SIZE_MAX / 2);
	for (; words[n] != NULL; n++) {
		check(strlen(words[n]) <= strlen(text));
		check(buf_add_str(&b, " '"));
		for (const char *p = words[n]; *p != '\0'; p++)
			check(*p == '\'' ? buf_add_str(&b, "'\\''")
					 : buf_add_byte(&b, (uint8_t)*p));
		check(buf_add_byte(&b, '\''));
	}
	check(n > 0 && buf_add_byte(&b, '\0'));
	again = words_split((const char *)b.data);
	for (size_t i = 0; i < n; i++)
		check(again[i] != NULL && strcmp(again[i], words[i]) == 0);
	check(again[n] == NULL);
	words_free(words);
	words_free(again);
	buf_clear(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	struct conf c;
	char *text;

	if (wire_unpack(&c, in, len)) {
		round_trip(&c);
		conf_clear(&c);
	}
	if ((text = malloc(len + 1)) == NULL)
		return 0;
	if (len > 0)
		memcpy(text, in, len);
	text[len] = '\0';
	split_words(text);
	read_words(text, len);
	free(text);
	return 0;
}
