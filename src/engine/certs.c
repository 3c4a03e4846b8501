#include <string.h>

#include "base/base.h"
#include "engine/certs.h"
#include "engine/engine.h"
#include "flow/tls.h"
#include "ipc/ipc_codec.h"
#include "ipc/ipc_tls.h"

void
certs_init(struct certs *c, const struct conf *conf)
{
	*c = (struct certs){ .tls = tls_new(conf) };
	buf_init(&c->bytes, IPC_TLS_MAX);
}

/* They hold keys. */
static void
forget_bytes(struct certs *c)
{
	if (c->bytes.data != NULL)
		explicit_bzero(c->bytes.data, c->bytes.cap);
	buf_clear(&c->bytes);
	c->arriving = 0;
}

static void
drop_aside(struct certs *c)
{
	tls_set_free(c->aside);
	c->aside = NULL;
	c->asides = 0;
}

void
certs_clear(struct certs *c)
{
	forget_bytes(c);
	drop_aside(c);
	tls_free(c->tls);
	c->tls = NULL;
}

/* Make a set of what has arrived; the parent hears what it is worth. */
static void
judge(struct certs *c, struct engine *e)
{
	uint8_t body[IPC_VERDICT_HEAD + IPC_TLS_WHY];
	struct ipc_verdict v;
	uint32_t number = c->arriving;

	drop_aside(c);
	c->aside = tls_set_new(c->tls, c->bytes.data, c->bytes.len, &v);
	c->asides = number;
	forget_bytes(c);
	engine_tell(e, IPC_TLS_VERDICT, number, body,
	    ipc_put_verdict(body, &v));
}

static void
use_aside(struct certs *c)
{
	tls_use(c->tls, c->aside);
	c->aside = NULL;
	c->uses = c->asides;
}

bool
certs_start(struct certs *c, struct engine *e)
{
	c->started = true;
	if (c->arriving == 0)
		return true;
	judge(c, e);
	if (c->aside == NULL)
		return false;
	use_aside(c);
	return true;
}

/* The first piece of another set ends what was there of one. */
bool
certs_on_part(struct certs *c, const struct ipc_msg *m)
{
	if (c->arriving != m->session)
		forget_bytes(c);
	c->arriving = m->session;
	/* all of its room at once: growing would leave copies behind */
	return buf_reserve(&c->bytes, IPC_TLS_MAX - c->bytes.len) != NULL &&
	    buf_add(&c->bytes, m->body, m->len);
}

bool
certs_on_check(struct certs *c, struct engine *e, const struct ipc_msg *m)
{
	if (!c->started || m->session == 0 || c->arriving != m->session)
		return false;
	judge(c, e);
	return true;
}

/* Before the start it is about what has just arrived: certs_start() sees to it. */
bool
certs_on_use(struct certs *c, const struct ipc_msg *m)
{
	if (!c->started)
		return m->session != 0 && c->arriving == m->session;
	if (c->aside != NULL && m->session == c->asides)
		use_aside(c);
	else
		drop_aside(c);
	return m->session == c->uses;
}

bool
certs_on_tickets(struct certs *c, const struct ipc_msg *m)
{
	if (m->len % IPC_TICKET_KEY != 0)
		return false;
	tls_set_tickets(c->tls, m->body, m->len);
	return true;
}
