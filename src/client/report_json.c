#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/mem.h"
#include "client/report_json.h"
#include "codec/json.h"
#include "codec/utf8.h"

void
report_json_init(struct report_json *l)
{
	buf_init(&l->text, REPORT_JSON_MAX);
}

void
report_json_clear(struct report_json *l)
{
	buf_clear(&l->text);
}

static void
put_name(struct report_json *l, const char *name)
{
	(void)buf_add_str(&l->text, l->text.len == 0 ? "{\"" : ",\"");
	(void)buf_add_str(&l->text, name);
	(void)buf_add_str(&l->text, "\":");
}

void
report_json_number(struct report_json *l, const char *name, int64_t n)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRId64, n);
	put_name(l, name);
	(void)buf_add_str(&l->text, text);
}

/* UTF-16, which is what JSON's escapes are made of. */
static void
put_character(struct report_json *l, uint32_t c)
{
	char text[16];

	if (c < 0x10000)
		(void)snprintf(text, sizeof(text), "\\u%04x", c);
	else
		(void)snprintf(text, sizeof(text), "\\u%04x\\u%04x",
		    0xd800 + ((c - 0x10000) >> 10), 0xdc00 + (c & 0x3ff));
	(void)buf_add_str(&l->text, text);
}

/* The character at the beginning of valid UTF-8; its length. */
static size_t
decode(const uint8_t *p, uint32_t *c)
{
	size_t len = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

	*c = len == 1 ? p[0] : p[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++)
		*c = *c << 6 | (p[i] & 0x3fu);
	return len;
}

static void
put_valid(struct report_json *l, const uint8_t *p, size_t len)
{
	uint8_t ascii[JSON_GROWTH];
	uint32_t c;
	size_t n;

	for (; len > 0; p += n, len -= n) {
		n = decode(p, &c);
		if (c < 0x7f)
			(void)buf_add(&l->text, ascii,
			    json_escape(p, 1, ascii));
		else
			put_character(l, c);
	}
}

void
report_json_bytes(struct report_json *l, const char *name, const void *bytes,
    size_t len)
{
	size_t most = UTF8_REPAIR_GROWTH * len + 2 * UTF8_REPAIR_EXTRA;
	uint8_t *repaired = mem_new(most, 1);
	struct utf8 state = { 0 };

	len = utf8_repair(&state, bytes, len, repaired);
	len += utf8_repair_end(&state, repaired + len);
	put_name(l, name);
	(void)buf_add_byte(&l->text, '"');
	put_valid(l, repaired, len);
	(void)buf_add_byte(&l->text, '"');
	free(repaired);
}

void
report_json_text(struct report_json *l, const char *name, const char *text)
{
	if (text != NULL && text[0] != '\0')
		report_json_bytes(l, name, text, strlen(text));
}

void
report_json_end(struct report_json *l)
{
	(void)buf_add_str(&l->text, l->text.len == 0 ? "{}\n" : "}\n");
}
