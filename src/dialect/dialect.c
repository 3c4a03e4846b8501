#include "base/base.h"
#include "dialect/dialect.h"

void
dialect_init(struct dialect *d, const struct dialect_body *body,
    const struct dialect_ops *ops, void *owner)
{
	*d = (struct dialect){ .body = body, .ops = ops, .owner = owner };
	if (body->init != NULL)
		body->init(d);
}

void
dialect_clear(struct dialect *d)
{
	if (d->body->clear != NULL)
		d->body->clear(d);
}

bool
dialect_takes_bytes(const struct dialect *d)
{
	return d->body->send_bytes != NULL;
}

void
dialect_send_bytes(struct dialect *d, const uint8_t *data, size_t len)
{
	d->body->send_bytes(d, data, len);
}

void
dialect_send_line(struct dialect *d, const uint8_t *line, size_t len)
{
	d->body->send_line(d, line, len);
}

void
dialect_say_hello(struct dialect *d, const struct dialect_hello *hello)
{
	if (d->body->say_hello != NULL)
		d->body->say_hello(d, hello);
}

bool
dialect_says_end(const struct dialect *d)
{
	return d->body->say_end != NULL;
}

void
dialect_say_end(struct dialect *d)
{
	if (d->body->say_end != NULL)
		d->body->say_end(d);
}

void
dialect_say_exit(struct dialect *d, struct ended ended)
{
	if (d->body->say_exit != NULL)
		d->body->say_exit(d, ended);
}

size_t
dialect_put_text(uint8_t out[DIALECT_TEXT_MAX], const uint8_t *line, size_t len)
{
	struct utf8 u;
	size_t n;

	utf8_init(&u);
	n = utf8_repair(&u, line, len, out);
	return n + utf8_repair_end(&u, out + n);
}
