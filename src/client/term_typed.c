#include <string.h>

#include "base/base.h"
#include "base/mem.h"
#include "base/str.h"
#include "client/term_typed.h"
#include "codec/utf8.h"

enum { NAME_SHOWN = 32 };

/* Counted text that is read from its beginning. */
struct unread {
	const char *p;
	size_t len;
};

static const char help[] =
    "/ping [TEXT]           ask the server for a pong, and time it\n"
    "/close [CODE [REASON]] close the connection (1000)\n"
    "/help                  this\n"
    "//TEXT                 send /TEXT\n";

static void
skip_blanks(struct unread *r)
{
	while (r->len > 0 && (*r->p == ' ' || *r->p == '\t')) {
		r->p++;
		r->len--;
	}
}

/* The next word, and the blanks after it. */
static struct unread
take_word(struct unread *r)
{
	struct unread word = { .p = r->p };

	while (r->len > 0 && *r->p != ' ' && *r->p != '\t') {
		r->p++;
		r->len--;
		word.len++;
	}
	skip_blanks(r);
	return word;
}

static bool
read_ping(struct term_typed *t, struct unread r, char **why)
{
	if (r.len > WS_CONTROL_MAX) {
		*why = mem_printf("a ping carries at most %d bytes",
		    (int)WS_CONTROL_MAX);
		return false;
	}
	t->kind = TERM_TYPED_PING;
	t->text = r.p;
	t->len = r.len;
	return true;
}

static bool
read_code(struct term_typed *t, struct unread word, char **why)
{
	char text[8];
	uint64_t code;

	if (word.len < sizeof(text)) {
		memcpy(text, word.p, word.len);
		text[word.len] = '\0';
		if (str_uint(text, 4999, &code) &&
		    ws_close_code_ok((unsigned)code)) {
			t->code = (unsigned)code;
			return true;
		}
	}
	*why = mem_strdup(
	    "a close code is 1000 to 1003, 1007 to 1014 or 3000 to 4999");
	return false;
}

static bool
read_reason(struct term_typed *t, struct unread r, char **why)
{
	struct utf8 u = { 0 };

	if (r.len > WS_REASON_MAX) {
		*why = mem_printf("a close reason has at most %d bytes",
		    (int)WS_REASON_MAX);
		return false;
	}
	if (utf8_check(&u, (const uint8_t *)r.p, r.len) != r.len ||
	    !utf8_complete(&u) || memchr(r.p, '\0', r.len) != NULL) {
		*why = mem_strdup("the close reason is not UTF-8 text");
		return false;
	}
	memcpy(t->reason, r.p, r.len);
	t->reason[r.len] = '\0';
	return true;
}

static bool
read_close(struct term_typed *t, struct unread r, char **why)
{
	t->kind = TERM_TYPED_CLOSE;
	t->code = WS_CLOSE_NORMAL;
	return (r.len == 0 || read_code(t, take_word(&r), why)) &&
	    read_reason(t, r, why);
}

static bool
read_help(struct term_typed *t, struct unread r, char **why)
{
	(void)r;
	(void)why;
	t->kind = TERM_TYPED_HELP;
	return true;
}

static const struct command {
	const char *name;
	bool (*read)(struct term_typed *, struct unread, char **why);
} commands[] = {
	{ "ping", read_ping },
	{ "close", read_close },
	{ "help", read_help },
};

static bool
read_command(struct term_typed *t, struct unread r, char **why)
{
	struct unread name = take_word(&r);

	for (size_t i = 0; i < nitems(commands); i++) {
		if (strlen(commands[i].name) == name.len &&
		    memcmp(commands[i].name, name.p, name.len) == 0)
			return commands[i].read(t, r, why);
	}
	if (name.len > NAME_SHOWN)
		name.len = NAME_SHOWN;
	*why = mem_printf("no command /%.*s; nothing was sent (/help; // sends "
			  "a line that begins with /)",
	    (int)name.len, name.p);
	return false;
}

bool
term_typed_read(struct term_typed *t, const char *line, size_t len, char **why)
{
	*t = (struct term_typed){ .kind = TERM_TYPED_LINE,
		.text = line,
		.len = len };
	if (len == 0 || line[0] != '/')
		return true;
	t->text++;
	t->len--;
	if (len > 1 && line[1] == '/')
		return true;
	return read_command(t, (struct unread){ line + 1, len - 1 }, why);
}

const char *
term_typed_help(void)
{
	return help;
}
