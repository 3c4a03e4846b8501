#include <string.h>

#include "base/base.h"
#include "ipc/ipc_codec.h"
#include "ipc/ipc_in.h"
#include "ipc/ipc_out.h"
#include "ipc/ipc_path.h"
#include "ipc/ipc_tls.h"

/* Who may send what, how long, and with how many descriptors. */
static const struct rule {
	const char *name;
	enum ipc_side from;
	size_t min, max;
	size_t nfds_min, nfds_max;
} rules[IPC_TYPES] = {
	[IPC_CONF] = { "conf", IPC_FROM_PARENT, 1, IPC_BODY_MAX, 0, 0 },
	[IPC_LISTEN] = { "listen", IPC_FROM_PARENT, IPC_LISTEN_BODY,
	    IPC_LISTEN_BODY, 1, 1 },
	[IPC_START] = { "start", IPC_FROM_PARENT, IPC_START_BODY,
	    IPC_START_BODY, 0, 0 },
	[IPC_STOP] = { "stop", IPC_FROM_PARENT, 0, 0, 0, 0 },
	[IPC_OPENED] = { "opened", IPC_FROM_PARENT, 4, 4, 1, 3 },
	[IPC_REFUSED] = { "refused", IPC_FROM_PARENT, 8, 8, 0, 0 },
	[IPC_EXITED] = { "exited", IPC_FROM_PARENT, 3, 3, 0, 0 },
	[IPC_ADMITTED] = { "admitted", IPC_FROM_PARENT, IPC_ADMITTED_BODY,
	    IPC_ADMITTED_BODY, 0, 0 },
	[IPC_READY] = { "ready", IPC_FROM_ENGINE, 0, 0, 0, 0 },
	[IPC_OPEN] = { "open", IPC_FROM_ENGINE, IPC_OPEN_HEAD, IPC_BODY_MAX, 0,
	    0 },
	[IPC_KILL] = { "kill", IPC_FROM_ENGINE, 8, 8, 0, 0 },
	[IPC_SIGNAL] = { "signal", IPC_FROM_ENGINE, 8, 8, 0, 0 },
	[IPC_DONE] = { "done", IPC_FROM_ENGINE, 4, 4, 0, 0 },
	[IPC_ADMIT] = { "admit", IPC_FROM_ENGINE, IPC_ADMIT_BODY,
	    IPC_ADMIT_BODY, 0, 0 },
	[IPC_LEAVE] = { "leave", IPC_FROM_ENGINE, 4, 4, 0, 0 },
	[IPC_SPOILT] = { "spoilt", IPC_FROM_ENGINE, 0, 0, 0, 0 },
	[IPC_FAILED_LOGIN] = { "failed-login", IPC_FROM_ENGINE,
	    sizeof(struct addr), sizeof(struct addr), 0, 0 },
	[IPC_BLOCKED] = { "blocked", IPC_FROM_PARENT, IPC_BLOCKED_BODY,
	    IPC_BLOCKED_BODY, 0, 0 },
	[IPC_TLS_PART] = { "tls-part", IPC_FROM_PARENT, 1, IPC_BODY_MAX, 0, 0 },
	[IPC_TLS_CHECK] = { "tls-check", IPC_FROM_PARENT, 0, 0, 0, 0 },
	[IPC_TLS_USE] = { "tls-use", IPC_FROM_PARENT, 0, 0, 0, 0 },
	[IPC_TLS_TICKETS] = { "tls-tickets", IPC_FROM_PARENT, IPC_TICKET_KEY,
	    IPC_TICKET_KEYS *IPC_TICKET_KEY, 0, 0 },
	[IPC_TLS_VERDICT] = { "tls-verdict", IPC_FROM_ENGINE, IPC_VERDICT_HEAD,
	    IPC_VERDICT_HEAD + IPC_TLS_WHY, 0, 0 },
	[IPC_FOLDER] = { "folder", IPC_FROM_PARENT, 8, 8, 1, 1 },
	[IPC_TOKENS] = { "tokens", IPC_FROM_PARENT, 5, IPC_BODY_MAX, 0, 0 },
	[IPC_LINK] = { "link", IPC_FROM_PARENT, IPC_LINK_BODY, IPC_LINK_BODY, 1,
	    1 },
	[IPC_FORGET] = { "forget", IPC_FROM_PARENT, 0, 0, 0, 0 },
	[IPC_PASSWORDS] = { "passwords", IPC_FROM_PARENT, 5, IPC_BODY_MAX, 0,
	    0 },
	[IPC_LIST] = { "list", IPC_FROM_PARENT, 0, 0, 0, 0 },
	[IPC_RETIRE] = { "retire", IPC_FROM_PARENT, 0, 0, 0, 0 },
};

void
ipc_put_head(uint8_t out[IPC_HEAD], enum ipc_type type, uint32_t session)
{
	uint32_t t = (uint32_t)type;

	memcpy(out, &t, sizeof(t));
	memcpy(out + 4, &session, sizeof(session));
}

static bool
has_its_fds(const struct ipc_msg *m, const struct rule *r)
{
	if (m->cut)
		return r->nfds_max > 0;
	return m->nfds >= r->nfds_min && m->nfds <= r->nfds_max;
}

bool
ipc_read(struct ipc_msg *m, enum ipc_side from, const uint8_t *in, size_t len)
{
	const struct rule *r;
	uint32_t type;

	if (len < IPC_HEAD)
		return false;
	memcpy(&type, in, sizeof(type));
	if (type >= IPC_TYPES || (r = &rules[type])->name == NULL ||
	    r->from != from)
		return false;
	m->type = (enum ipc_type)type;
	memcpy(&m->session, in + 4, sizeof(m->session));
	m->body = in + IPC_HEAD;
	m->len = len - IPC_HEAD;
	return m->len >= r->min && m->len <= r->max && has_its_fds(m, r);
}

size_t
ipc_put_u32(uint8_t body[4], uint32_t v)
{
	struct ipc_out out;

	ipc_out_init(&out, body, sizeof(v));
	ipc_out_u32(&out, v);
	return out.len;
}

static struct ipc_in
body_of(const struct ipc_msg *m)
{
	struct ipc_in in;

	ipc_in_init(&in, m->body, m->len);
	return in;
}

bool
ipc_read_u32(const struct ipc_msg *m, uint32_t *v)
{
	struct ipc_in in = body_of(m);

	*v = ipc_in_u32(&in);
	return ipc_in_end(&in);
}

size_t
ipc_put_start(uint8_t body[IPC_START_BODY], const struct ipc_start *s)
{
	struct ipc_out out;

	ipc_out_init(&out, body, IPC_START_BODY);
	ipc_out_u32(&out, s->number);
	ipc_out_u32(&out, s->step);
	ipc_out_u32(&out, s->engines);
	return out.len;
}

bool
ipc_read_start(const struct ipc_msg *m, struct ipc_start *s)
{
	struct ipc_in in = body_of(m);

	s->number = ipc_in_within(&in, ipc_in_u32(&in), 1, UINT32_MAX);
	s->step = ipc_in_within(&in, ipc_in_u32(&in), 1, UINT32_MAX);
	s->engines = ipc_in_within(&in, ipc_in_u32(&in), 1, UINT32_MAX);
	return ipc_in_end(&in);
}

size_t
ipc_put_link(uint8_t body[IPC_LINK_BODY], const struct ipc_link *l)
{
	struct ipc_out out;

	ipc_out_init(&out, body, IPC_LINK_BODY);
	ipc_out_u32(&out, (uint32_t)l->role);
	ipc_out_u32(&out, l->index);
	return out.len;
}

bool
ipc_read_link(const struct ipc_msg *m, struct ipc_link *l)
{
	struct ipc_in in = body_of(m);

	l->role = ipc_in_within(&in, ipc_in_u32(&in), 0, IPC_ROLES - 1);
	l->index = ipc_in_u32(&in);
	return ipc_in_end(&in);
}

size_t
ipc_put_listen(uint8_t body[IPC_LISTEN_BODY], const struct ipc_listen *l)
{
	struct ipc_out out;

	ipc_out_init(&out, body, IPC_LISTEN_BODY);
	ipc_out_u8(&out, (uint8_t)l->tls);
	ipc_out_u8(&out, (uint8_t)l->redirect);
	ipc_out_bool(&out, l->proxy);
	ipc_out_bool(&out, l->connected);
	ipc_out_bool(&out, l->to_https);
	ipc_out_u16(&out, l->to_port);
	return out.len;
}

bool
ipc_read_listen(const struct ipc_msg *m, struct ipc_listen *l)
{
	struct ipc_in in = body_of(m);

	l->tls = ipc_in_within(&in, ipc_in_u8(&in), IPC_PLAIN, IPC_TLS_AUTO);
	l->redirect = ipc_in_within(&in, ipc_in_u8(&in), IPC_REDIRECT_NONE,
	    IPC_REDIRECT_ALL);
	l->proxy = ipc_in_bool(&in);
	l->connected = ipc_in_bool(&in);
	l->to_https = ipc_in_bool(&in);
	l->to_port = ipc_in_u16(&in);
	return ipc_in_end(&in);
}

size_t
ipc_put_open(uint8_t body[IPC_OPEN_MAX], const struct ipc_open *op)
{
	struct ipc_out out;

	ipc_out_init(&out, body, IPC_OPEN_MAX);
	ipc_out_u32(&out, op->route);
	ipc_out_u32(&out, (uint32_t)op->part);
	ipc_out_u32(&out, (uint32_t)op->path_len);
	ipc_out_bytes(&out, op->path, op->path_len);
	return out.len;
}

/* Only programs of a folder are named. */
static bool
is_path_of(const struct ipc_open *op)
{
	if (op->part == IPC_PART_DIR || op->part == IPC_PART_CGI)
		return ipc_path_ok(op->path, op->path_len);
	return op->path_len == 0;
}

bool
ipc_read_open(const struct ipc_msg *m, struct ipc_open *op)
{
	struct ipc_in in = body_of(m);

	op->route = ipc_in_u32(&in);
	op->part = ipc_in_within(&in, ipc_in_u32(&in), 0, IPC_PARTS - 1);
	op->path_len = ipc_in_u32(&in);
	op->path = (const char *)ipc_in_bytes(&in, op->path_len);
	op->vars = (const char *)ipc_in_rest(&in, &op->vars_len);
	return ipc_in_end(&in) && is_path_of(op) &&
	    (op->vars_len == 0 || op->vars[op->vars_len - 1] == '\0');
}

enum admit_flag { ADMIT_CONNECTION = 1, ADMIT_COUNTED = 2, ADMIT_STAYS = 4 };

size_t
ipc_put_admit(uint8_t body[IPC_ADMIT_BODY], const struct ipc_admit *a)
{
	struct ipc_out out;

	ipc_out_init(&out, body, IPC_ADMIT_BODY);
	ipc_out_u8(&out,
	    (uint8_t)((a->connection ? ADMIT_CONNECTION : 0) |
		(a->counted ? ADMIT_COUNTED : 0) |
		(a->stays ? ADMIT_STAYS : 0)));
	ipc_out_bytes(&out, &a->addr, sizeof(a->addr));
	return out.len;
}

bool
ipc_read_admit(const struct ipc_msg *m, struct ipc_admit *a)
{
	struct ipc_in in = body_of(m);
	uint32_t flags = ipc_in_within(&in, ipc_in_u8(&in), 0,
	    ADMIT_CONNECTION | ADMIT_COUNTED | ADMIT_STAYS);

	a->connection = flags & ADMIT_CONNECTION;
	a->counted = flags & ADMIT_COUNTED;
	a->stays = flags & ADMIT_STAYS;
	ipc_in_copy(&in, &a->addr, sizeof(a->addr));
	return ipc_in_end(&in);
}

size_t
ipc_put_admitted(uint8_t body[IPC_ADMITTED_BODY], const struct ipc_admitted *a)
{
	struct ipc_out out;

	ipc_out_init(&out, body, IPC_ADMITTED_BODY);
	ipc_out_u32(&out, (uint32_t)a->verdict);
	ipc_out_u32(&out, a->retry);
	ipc_out_u32(&out, a->seat);
	return out.len;
}

bool
ipc_read_admitted(const struct ipc_msg *m, struct ipc_admitted *a)
{
	struct ipc_in in = body_of(m);

	a->verdict =
	    ipc_in_within(&in, ipc_in_u32(&in), IPC_ADMIT_YES, IPC_ADMIT_RATE);
	a->retry = ipc_in_u32(&in);
	a->seat = ipc_in_u32(&in);
	return ipc_in_end(&in);
}

size_t
ipc_put_blocked(uint8_t body[IPC_BLOCKED_BODY], const struct addr *a,
    uint32_t ms)
{
	struct ipc_out out;

	ipc_out_init(&out, body, IPC_BLOCKED_BODY);
	ipc_out_bytes(&out, a, sizeof(*a));
	ipc_out_u32(&out, ms);
	return out.len;
}

bool
ipc_read_blocked(const struct ipc_msg *m, struct addr *a, uint32_t *ms)
{
	struct ipc_in in = body_of(m);

	ipc_in_copy(&in, a, sizeof(*a));
	*ms = ipc_in_u32(&in);
	return ipc_in_end(&in);
}

bool
ipc_read_addr(const struct ipc_msg *m, struct addr *a)
{
	struct ipc_in in = body_of(m);

	ipc_in_copy(&in, a, sizeof(*a));
	return ipc_in_end(&in);
}

size_t
ipc_put_opened(uint8_t body[4], uint32_t pid)
{
	return ipc_put_u32(body, pid);
}

bool
ipc_read_opened(const struct ipc_msg *m, uint32_t *pid)
{
	return ipc_read_u32(m, pid);
}

static size_t
put_two(uint8_t body[8], uint32_t a, uint32_t b)
{
	struct ipc_out out;

	ipc_out_init(&out, body, 8);
	ipc_out_u32(&out, a);
	ipc_out_u32(&out, b);
	return out.len;
}

size_t
ipc_put_kill(uint8_t body[8], uint32_t pid, uint32_t ago)
{
	return put_two(body, pid, ago);
}

bool
ipc_read_kill(const struct ipc_msg *m, uint32_t *pid, uint32_t *ago)
{
	struct ipc_in in = body_of(m);

	*pid = ipc_in_u32(&in);
	*ago = ipc_in_u32(&in);
	return ipc_in_end(&in);
}

size_t
ipc_put_signal(uint8_t body[8], uint32_t pid, int sig)
{
	return put_two(body, pid, (uint32_t)sig);
}

bool
ipc_read_signal(const struct ipc_msg *m, uint32_t *pid, int *sig)
{
	struct ipc_in in = body_of(m);

	*pid = ipc_in_u32(&in);
	*sig = (int)ipc_in_u32(&in);
	return ipc_in_end(&in);
}

size_t
ipc_put_refused(uint8_t body[8], enum ipc_refusal why, int err)
{
	return put_two(body, (uint32_t)why, (uint32_t)err);
}

bool
ipc_read_refused(const struct ipc_msg *m, enum ipc_refusal *why, int *err)
{
	struct ipc_in in = body_of(m);

	*why = ipc_in_within(&in, ipc_in_u32(&in), IPC_REFUSED_EXEC,
	    IPC_REFUSED_MISSING);
	*err = (int)ipc_in_u32(&in);
	return ipc_in_end(&in);
}

size_t
ipc_put_exit(uint8_t body[3], const struct ipc_exit *e)
{
	struct ipc_out out;

	ipc_out_init(&out, body, 3);
	ipc_out_u8(&out, e->ended.signal);
	ipc_out_u8(&out, e->ended.status);
	ipc_out_bool(&out, e->want_done);
	return out.len;
}

bool
ipc_read_exit(const struct ipc_msg *m, struct ipc_exit *e)
{
	struct ipc_in in = body_of(m);

	e->ended.signal = ipc_in_u8(&in);
	e->ended.status = ipc_in_u8(&in);
	e->want_done = ipc_in_bool(&in);
	return ipc_in_end(&in);
}

size_t
ipc_put_folder(uint8_t body[IPC_FOLDER_BODY], const struct ipc_folder *f)
{
	return put_two(body, f->route, (uint32_t)f->which);
}

bool
ipc_read_folder(const struct ipc_msg *m, struct ipc_folder *f)
{
	struct ipc_in in = body_of(m);

	f->route = ipc_in_u32(&in);
	f->which = ipc_in_within(&in, ipc_in_u32(&in), 0, IPC_FOLDERS - 1);
	return ipc_in_end(&in);
}

size_t
ipc_put_piece_head(uint8_t body[IPC_PIECE_HEAD], uint32_t route, bool last)
{
	struct ipc_out out;

	ipc_out_init(&out, body, IPC_PIECE_HEAD);
	ipc_out_u32(&out, route);
	ipc_out_bool(&out, last);
	return out.len;
}

bool
ipc_read_piece(const struct ipc_msg *m, struct ipc_piece *p)
{
	struct ipc_in in = body_of(m);

	p->route = ipc_in_u32(&in);
	p->last = ipc_in_bool(&in);
	p->data = ipc_in_rest(&in, &p->len);
	return ipc_in_end(&in);
}

const char *
ipc_strtype(enum ipc_type type)
{
	if ((unsigned)type >= IPC_TYPES || rules[type].name == NULL)
		return "unknown";
	return rules[type].name;
}
