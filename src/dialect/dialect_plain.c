#include "dialect/dialect.h"

/* Messages are what they are; a line of standard error is one more. */
static void
plain_send_line(struct dialect *d, const uint8_t *line, size_t len)
{
	uint8_t text[DIALECT_TEXT_MAX];
	struct piece p =
	    piece_whole(true, text, dialect_put_text(text, line, len));

	p.kept = true;
	d->ops->to_peer(d->owner, NULL, 0, &p);
}

const struct dialect_body dialect_plain = {
	.name = "plain",
	.send_line = plain_send_line,
};
