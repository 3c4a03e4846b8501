#include <string.h>

#include "base/base.h"
#include "ipc/ipc_codec.h"
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
	[IPC_START] = { "start", IPC_FROM_PARENT, 4, 4, 0, 0 },
	[IPC_STOP] = { "stop", IPC_FROM_PARENT, 0, 0, 0, 0 },
	[IPC_SPAWNED] = { "spawned", IPC_FROM_PARENT, 4, 4, 2, 3 },
	[IPC_REFUSED] = { "refused", IPC_FROM_PARENT, 8, 8, 0, 0 },
	[IPC_EXITED] = { "exited", IPC_FROM_PARENT, 3, 3, 0, 0 },
	[IPC_ADMITTED] = { "admitted", IPC_FROM_PARENT, IPC_ADMITTED_BODY,
	    IPC_ADMITTED_BODY, 0, 0 },
	[IPC_READY] = { "ready", IPC_FROM_ENGINE, 0, 0, 0, 0 },
	[IPC_SPAWN] = { "spawn", IPC_FROM_ENGINE, 8, IPC_BODY_MAX, 0, 0 },
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
	[IPC_FOLDER] = { "folder", IPC_FROM_PARENT, 4, 4, 1, 1 },
	[IPC_TOKENS] = { "tokens", IPC_FROM_PARENT, 1, IPC_BODY_MAX, 0, 0 },
	[IPC_WORKER] = { "worker", IPC_FROM_PARENT, 4, 4, 1, 1 },
	[IPC_FORGET] = { "forget", IPC_FROM_PARENT, 0, 0, 0, 0 },
	[IPC_PASSWORDS] = { "passwords", IPC_FROM_PARENT, 1, IPC_BODY_MAX, 0,
	    0 },
	[IPC_LIST] = { "list", IPC_FROM_PARENT, 0, 0, 0, 0 },
	[IPC_ASKER] = { "asker", IPC_FROM_PARENT, 4, 4, 1, 1 },
};

void
ipc_put_head(uint8_t out[IPC_HEAD], enum ipc_type type, uint32_t session)
{
	uint32_t t = (uint32_t)type;

	memcpy(out, &t, sizeof(t));
	memcpy(out + 4, &session, sizeof(session));
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
	return m->len >= r->min && m->len <= r->max && m->nfds >= r->nfds_min &&
	    m->nfds <= r->nfds_max;
}

size_t
ipc_put_u32(uint8_t out[4], uint32_t v)
{
	memcpy(out, &v, sizeof(v));
	return sizeof(v);
}

bool
ipc_read_u32(const struct ipc_msg *m, uint32_t *v)
{
	if (m->len != sizeof(*v))
		return false;
	memcpy(v, m->body, sizeof(*v));
	return true;
}

size_t
ipc_put_listen(uint8_t out[IPC_LISTEN_BODY], const struct ipc_listen *l)
{
	out[0] = (uint8_t)l->tls;
	out[1] = (uint8_t)l->redirect;
	out[2] = l->proxy;
	out[3] = l->connected;
	out[4] = l->to_https;
	memcpy(out + 5, &l->to_port, sizeof(l->to_port));
	return IPC_LISTEN_BODY;
}

bool
ipc_read_listen(const struct ipc_msg *m, struct ipc_listen *l)
{
	const uint8_t *b = m->body;

	if (m->len != IPC_LISTEN_BODY || b[0] > IPC_TLS_AUTO ||
	    b[1] > IPC_REDIRECT_ALL || b[2] > 1 || b[3] > 1 || b[4] > 1)
		return false;
	*l = (struct ipc_listen){
		.tls = b[0],
		.redirect = b[1],
		.proxy = b[2],
		.connected = b[3],
		.to_https = b[4],
	};
	memcpy(&l->to_port, b + 5, sizeof(l->to_port));
	return true;
}

size_t
ipc_put_spawn(uint8_t out[IPC_SPAWN_MAX], enum ipc_kind kind, const char *path,
    size_t path_len)
{
	ipc_put_u32(out, (uint32_t)kind);
	ipc_put_u32(out + 4, (uint32_t)path_len);
	if (path_len > 0)
		memcpy(out + 8, path, path_len);
	return 8 + path_len;
}

/* Only programs of a folder are named. */
static bool
is_path_of(const struct ipc_spawn *sp)
{
	if (sp->kind == IPC_KIND_DIR || sp->kind == IPC_KIND_CGI)
		return ipc_path_ok(sp->path, sp->path_len);
	return sp->path_len == 0;
}

bool
ipc_read_spawn(const struct ipc_msg *m, struct ipc_spawn *sp)
{
	const char *body = (const char *)m->body;
	uint32_t kind, path_len;

	if (m->len < 8)
		return false;
	memcpy(&kind, m->body, sizeof(kind));
	memcpy(&path_len, m->body + 4, sizeof(path_len));
	if (kind >= IPC_KINDS || path_len > m->len - 8)
		return false;
	*sp = (struct ipc_spawn){
		.kind = (enum ipc_kind)kind,
		.path = body + 8,
		.path_len = path_len,
		.vars = body + 8 + path_len,
		.vars_len = m->len - 8 - path_len,
	};
	return is_path_of(sp) &&
	    (sp->vars_len == 0 || sp->vars[sp->vars_len - 1] == '\0');
}

enum admit_flag { ADMIT_CONNECTION = 1, ADMIT_COUNTED = 2, ADMIT_STAYS = 4 };

size_t
ipc_put_admit(uint8_t out[IPC_ADMIT_BODY], const struct ipc_admit *a)
{
	out[0] = (uint8_t)((a->connection ? ADMIT_CONNECTION : 0) |
	    (a->counted ? ADMIT_COUNTED : 0) | (a->stays ? ADMIT_STAYS : 0));
	memcpy(out + 1, &a->addr, sizeof(a->addr));
	return IPC_ADMIT_BODY;
}

bool
ipc_read_admit(const struct ipc_msg *m, struct ipc_admit *a)
{
	if (m->len != IPC_ADMIT_BODY ||
	    m->body[0] > (ADMIT_CONNECTION | ADMIT_COUNTED | ADMIT_STAYS))
		return false;
	a->connection = m->body[0] & ADMIT_CONNECTION;
	a->counted = m->body[0] & ADMIT_COUNTED;
	a->stays = m->body[0] & ADMIT_STAYS;
	memcpy(&a->addr, m->body + 1, sizeof(a->addr));
	return true;
}

size_t
ipc_put_admitted(uint8_t out[IPC_ADMITTED_BODY], const struct ipc_admitted *a)
{
	ipc_put_u32(out, (uint32_t)a->verdict);
	ipc_put_u32(out + 4, a->retry);
	ipc_put_u32(out + 8, a->seat);
	return IPC_ADMITTED_BODY;
}

bool
ipc_read_admitted(const struct ipc_msg *m, struct ipc_admitted *a)
{
	uint32_t v;

	if (m->len != IPC_ADMITTED_BODY)
		return false;
	memcpy(&v, m->body, sizeof(v));
	if (v < IPC_ADMIT_YES || v > IPC_ADMIT_RATE)
		return false;
	a->verdict = (enum ipc_admission)v;
	memcpy(&a->retry, m->body + 4, sizeof(a->retry));
	memcpy(&a->seat, m->body + 8, sizeof(a->seat));
	return true;
}

size_t
ipc_put_blocked(uint8_t out[IPC_BLOCKED_BODY], const struct addr *a,
    uint32_t ms)
{
	memcpy(out, a, sizeof(*a));
	ipc_put_u32(out + sizeof(*a), ms);
	return IPC_BLOCKED_BODY;
}

bool
ipc_read_blocked(const struct ipc_msg *m, struct addr *a, uint32_t *ms)
{
	if (m->len != IPC_BLOCKED_BODY)
		return false;
	memcpy(a, m->body, sizeof(*a));
	memcpy(ms, m->body + sizeof(*a), sizeof(*ms));
	return true;
}

bool
ipc_read_addr(const struct ipc_msg *m, struct addr *a)
{
	if (m->len != sizeof(*a))
		return false;
	memcpy(a, m->body, sizeof(*a));
	return true;
}

size_t
ipc_put_kill(uint8_t out[8], uint32_t pid, uint32_t ago)
{
	ipc_put_u32(out, pid);
	ipc_put_u32(out + 4, ago);
	return 8;
}

bool
ipc_read_kill(const struct ipc_msg *m, uint32_t *pid, uint32_t *ago)
{
	if (m->len != 8)
		return false;
	memcpy(pid, m->body, sizeof(*pid));
	memcpy(ago, m->body + 4, sizeof(*ago));
	return true;
}

size_t
ipc_put_signal(uint8_t out[8], uint32_t pid, int sig)
{
	ipc_put_u32(out, pid);
	ipc_put_u32(out + 4, (uint32_t)sig);
	return 8;
}

bool
ipc_read_signal(const struct ipc_msg *m, uint32_t *pid, int *sig)
{
	if (m->len != 8)
		return false;
	memcpy(pid, m->body, sizeof(*pid));
	memcpy(sig, m->body + 4, sizeof(*sig));
	return true;
}

size_t
ipc_put_refused(uint8_t out[8], enum ipc_refusal why, int err)
{
	ipc_put_u32(out, (uint32_t)why);
	ipc_put_u32(out + 4, (uint32_t)err);
	return 8;
}

bool
ipc_read_refused(const struct ipc_msg *m, enum ipc_refusal *why, int *err)
{
	uint32_t w, e;

	if (m->len != 8)
		return false;
	memcpy(&w, m->body, sizeof(w));
	memcpy(&e, m->body + 4, sizeof(e));
	if (w < IPC_REFUSED_EXEC || w > IPC_REFUSED_MISSING)
		return false;
	*why = (enum ipc_refusal)w;
	*err = (int)e;
	return true;
}

size_t
ipc_put_exit(uint8_t out[3], const struct ipc_exit *e)
{
	out[0] = e->ended.signal;
	out[1] = e->ended.status;
	out[2] = e->want_done;
	return 3;
}

bool
ipc_read_exit(const struct ipc_msg *m, struct ipc_exit *e)
{
	if (m->len != 3)
		return false;
	*e = (struct ipc_exit){
		.ended = { .signal = m->body[0], .status = m->body[1] },
		.want_done = m->body[2],
	};
	return true;
}

size_t
ipc_put_piece_head(uint8_t out[1], bool last)
{
	out[0] = last;
	return 1;
}

bool
ipc_read_piece(const struct ipc_msg *m, struct ipc_piece *p)
{
	if (m->len < 1 || m->body[0] > 1)
		return false;
	*p = (struct ipc_piece){
		.last = m->body[0],
		.data = m->body + 1,
		.len = m->len - 1,
	};
	return true;
}

const char *
ipc_strtype(enum ipc_type type)
{
	if ((unsigned)type >= IPC_TYPES || rules[type].name == NULL)
		return "unknown";
	return rules[type].name;
}
