#include <string.h>

#include "base/mem.h"
#include "client/client_cmdline.h"
#include "client/client_options.h"
#include "conf/help.h"
#include "conf/reader.h"
#include "conf/value.h"

static bool
print_asked(const struct client_conf *c, FILE *out)
{
	if (c->help)
		help_print(out, &client_options);
	else if (c->version)
		help_version(out, "standpipe");
	else if (c->license)
		help_license(out, "standpipe");
	return c->help || c->version || c->license;
}

/* The URL, and after it files. */
static void
take_word(struct client_conf *c, size_t *files, const char *word)
{
	if (c->url == NULL) {
		c->url = mem_strdup(word);
		return;
	}
	c->files[(*files)++] = mem_strdup(word);
}

/* Behind the URL it is the command that follows; before it, only words do. */
static void
take_end(struct client_conf *c, struct reader *r, size_t *files)
{
	if (c->url != NULL) {
		c->command = reader_rest(r);
		r->n = 0;
		return;
	}
	while (r->n > 0 && (c->url == NULL || strcmp(r->v[0], "--") != 0))
		take_word(c, files, reader_take(r));
	if (r->n > 0) {
		reader_take(r);
		take_end(c, r, files);
	}
}

/* All words; false if there is something wrong, or something was printed. */
static bool
read_words(struct client_conf *c, struct reader *r, FILE *out, char **why)
{
	enum reader_result result;
	struct written opt;
	size_t files = 0;

	while ((result = reader_next(r, &opt, why)) > READER_NONE) {
		if (result == READER_WORD)
			take_word(c, &files, reader_take(r));
		else if (result == READER_END)
			take_end(c, r, &files);
		else if (!value_set(c, opt.row, opt.value, why) ||
		    print_asked(c, out))
			return false;
	}
	return result == READER_NONE;
}

enum client_cmdline_result
client_cmdline_read(struct client_conf *c, int argc, char **argv, FILE *out,
    char **why)
{
	struct reader r;

	reader_init(&r, &client_options, argc, argv);
	c->files = mem_new((size_t)r.n + 1, sizeof(*c->files));
	if (read_words(c, &r, out, why) && client_conf_check(c, why))
		return CLIENT_CMDLINE_RUN;
	return *why == NULL ? CLIENT_CMDLINE_TOLD : CLIENT_CMDLINE_ERROR;
}
