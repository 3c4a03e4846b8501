#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "ipc/ipc_codec.h"
#include "parent/certs.h"
#include "parent/watch.h"

enum {
	JUDGE_MS = 10000, /* that an engine has for its verdict */
	RENEW_MS = 3600 * 1000,
	PIECE = 32 * 1024,
};

struct certs_file {
	const char *option; /* static */
	const char *path;   /* kept */
	enum ipc_file_kind kind;
	uint32_t index;
	struct watch watch;
};

/* ------------------------------------------------- files */

static void
add_file(struct certs *c, const char *option, enum ipc_file_kind kind,
    uint32_t index, const char *path)
{
	c->files = mem_grow(c->files, c->n + 1, sizeof(*c->files));
	c->files[c->n++] = (struct certs_file){
		.option = option,
		.path = path,
		.kind = kind,
		.index = index,
	};
}

static void
add_files(struct certs *c, const char *option, enum ipc_file_kind kind,
    const struct conf_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		add_file(c, option, kind, (uint32_t)i, list->v[i]);
}

/* Append it; false with an owned sentence in *why. */
static bool
read_file(struct certs_file *f, struct buf *bytes, char **why)
{
	uint8_t head[IPC_FILE_HEAD] = { 0 };
	size_t at = bytes->len;
	char *wrong = NULL;

	if (buf_add(bytes, head, sizeof(head)) &&
	    watch_read(&f->watch, f->path, bytes, &wrong)) {
		ipc_put_file_head(head,
		    &(struct ipc_file){
			.kind = f->kind,
			.index = f->index,
			.len = bytes->len - at - sizeof(head),
		    });
		memcpy(bytes->data + at, head, sizeof(head));
		if (f->kind == IPC_FILE_KEY)
			watch_warn_open(&f->watch);
		return true;
	}
	*why = mem_printf("--%s=%s", f->option,
	    wrong == NULL ? "the files are too large" : wrong);
	free(wrong);
	return false;
}

/* Whether one has changed; all are looked at. */
static bool
look_at_files(struct certs *c)
{
	bool changed = false;

	for (size_t i = 0; i < c->n; i++)
		changed |= watch_changed(&c->files[i].watch);
	return changed;
}

/* ------------------------------------------------- sets */

static void
drop_set(struct certs_set *set)
{
	if (set->bytes.data != NULL)
		explicit_bzero(set->bytes.data, set->bytes.cap);
	buf_clear(&set->bytes);
	*set = (struct certs_set){ 0 };
}

/*
 * Read them all; false with an owned sentence in *why. The buffer has its full
 * size at once: growing would leave copies behind.
 */
static bool
read_set(struct certs *c, struct certs_set *set, char **why)
{
	*set = (struct certs_set){ .number = ++c->last };
	buf_init(&set->bytes, IPC_TLS_MAX);
	if (buf_reserve(&set->bytes, IPC_TLS_MAX) == NULL) {
		*why = mem_strdup(strerror(ENOMEM));
		return false;
	}
	for (size_t i = 0; i < c->n; i++) {
		if (!read_file(&c->files[i], &set->bytes, why)) {
			drop_set(set);
			return false;
		}
	}
	return true;
}

/* ------------------------------------------------- engines are told */

static bool
tell(const struct certs *c, const struct certs_user *u, enum ipc_type type,
    uint32_t set, const void *body, size_t len)
{
	return c->ops->tell(u->engine, type, set, body, len);
}

static bool
tell_set(const struct certs *c, const struct certs_user *u,
    const struct certs_set *set, enum ipc_type then)
{
	const struct buf *b = &set->bytes;

	for (size_t at = 0; at < b->len; at += PIECE) {
		size_t n = b->len - at < PIECE ? b->len - at : PIECE;

		if (!tell(c, u, IPC_TLS_PART, set->number, b->data + at, n))
			return false;
	}
	return tell(c, u, then, set->number, NULL, 0);
}

static void
lose_deaf(const struct certs *c, const struct certs_user *u)
{
	c->ops->lose(u->engine, "it does not read what it is told");
}

static void
ask(const struct certs *c, const struct certs_user *u,
    const struct certs_set *set)
{
	if (!tell_set(c, u, set, IPC_TLS_CHECK))
		lose_deaf(c, u);
}

/* Also of the one that it uses already: then it forgets any other. */
static void
tell_use(const struct certs *c, struct certs_user *u)
{
	u->uses = c->current.number;
	if (!tell(c, u, IPC_TLS_USE, u->uses, NULL, 0))
		lose_deaf(c, u);
}

static void
tell_all_use(struct certs *c)
{
	struct certs_user *u;

	LIST_FOREACH (u, &c->users, entry)
		if (u->state == CERTS_WORKS)
			tell_use(c, u);
}

/* ------------------------------------------------- tickets */

static bool
renew_tickets(struct certs *c)
{
	uint8_t fresh[IPC_TICKET_KEY];

	if (getentropy(fresh, sizeof(fresh)) == -1)
		return false;
	memmove(c->tickets + IPC_TICKET_KEY, c->tickets,
	    sizeof(c->tickets) - IPC_TICKET_KEY);
	memcpy(c->tickets, fresh, sizeof(fresh));
	explicit_bzero(fresh, sizeof(fresh));
	if (c->ntickets < sizeof(c->tickets))
		c->ntickets += IPC_TICKET_KEY;
	return true;
}

static bool
tell_tickets(const struct certs *c, const struct certs_user *u)
{
	return tell(c, u, IPC_TLS_TICKETS, 0, c->tickets, c->ntickets);
}

static void
certs_on_renew(void *arg)
{
	struct certs *c = arg;
	struct certs_user *u;

	loop_at(c->loop, &c->renew, clock_ms() + RENEW_MS, certs_on_renew, c);

	if (!renew_tickets(c)) {
		log_warn("no new key for session tickets: %s", strerror(errno));
		return;
	}
	LIST_FOREACH (u, &c->users, entry)
		if (u->state != CERTS_AWAY && !tell_tickets(c, u))
			lose_deaf(c, u);
}

/* ------------------------------------------------- verdicts */

static const struct certs_file *
find_file(const struct certs *c, const struct ipc_verdict *v)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->files[i].kind == v->kind &&
		    c->files[i].index == v->index)
			return &c->files[i];
	return NULL;
}

/* What an engine says goes to the log and no further. */
static void
log_verdict(const struct certs *c, enum log_level level, const char *what,
    const struct ipc_verdict *v)
{
	const struct certs_file *f = find_file(c, v);

	if (f == NULL)
		LOG(level, what, LOG_BYTES("reason", v->why, v->why_len));
	else
		LOG(level, what, LOG_STR("option", f->option),
		    LOG_STR("file", f->path),
		    LOG_BYTES("reason", v->why, v->why_len));
}

static void
remark(const struct certs *c, struct certs_set *set,
    const struct ipc_verdict *v)
{
	if (v->why_len > 0 && !set->remarked)
		log_verdict(c, LOG_LVL_WARN, "certificates", v);
	set->remarked = true;
}

enum side { SILENT, GOOD, BAD, SIDES };

/* What the engines have said of the set that is coming. */
struct tally {
	size_t n[SIDES];
	uint64_t since[SIDES]; /* when the oldest of them began */
};

static enum side
side_of(const struct certs *c, const struct certs_user *u)
{
	return u->state != CERTS_WORKS       ? SILENT
	    : u->agreed == c->coming.number  ? GOOD
	    : u->refused == c->coming.number ? BAD
					     : SILENT;
}

/* An engine that does not work has nothing to say, unless all have to. */
static void
count(const struct certs *c, struct tally *t)
{
	const struct certs_user *u;

	*t = (struct tally){ .since = { 0, UINT64_MAX, UINT64_MAX } };
	LIST_FOREACH (u, &c->users, entry) {
		enum side s = side_of(c, u);

		if (u->state != CERTS_WORKS && !c->coming.disputed)
			continue;
		t->n[s]++;
		if (u->since < t->since[s])
			t->since[s] = u->since;
	}
}

static void
use_coming(struct certs *c)
{
	drop_set(&c->current);
	c->current = c->coming;
	c->coming = (struct certs_set){ 0 };
	loop_cancel(&c->judge);
	tell_all_use(c);
	LOG(LOG_LVL_INFO, "certificates replaced",
	    LOG_UINT("set", c->current.number));
}

static void
give_up_coming(struct certs *c)
{
	c->coming.refusal.why = c->coming.why;
	log_verdict(c, LOG_LVL_WARN, "certificates stay as they were",
	    &c->coming.refusal);
	drop_set(&c->coming);
	loop_cancel(&c->judge);
	tell_all_use(c);
}

/* The fewer, or those of whom one has met the most clients. */
static void
lose_dissenters(struct certs *c, const struct tally *t)
{
	struct certs_user *u;
	enum side few = t->n[BAD] != t->n[GOOD]
	    ? (t->n[BAD] < t->n[GOOD] ? BAD : GOOD)
	    : (t->since[BAD] <= t->since[GOOD] ? BAD : GOOD);

	c->coming.disputed = true;
	LIST_FOREACH (u, &c->users, entry)
		if (side_of(c, u) == few)
			c->ops->lose(u->engine,
			    "it judges the certificates as no other does");
}

static void
settle(struct certs *c)
{
	struct tally t;

	if (c->coming.number == 0)
		return;
	count(c, &t);
	if (t.n[SILENT] > 0 || t.n[GOOD] + t.n[BAD] == 0)
		return;
	if (t.n[BAD] == 0)
		use_coming(c);
	else if (t.n[GOOD] == 0)
		give_up_coming(c);
	else
		lose_dissenters(c, &t);
}

/* Of the set that an engine starts with. */
static void
judge_first(struct certs *c, struct certs_user *u, uint32_t number,
    const struct ipc_verdict *v)
{
	if (v->good) {
		if (number == c->current.number)
			remark(c, &c->current, v);
	} else if (c->serving) {
		c->ops->lose(u->engine, "it cannot use the certificates");
	} else {
		log_verdict(c, LOG_LVL_ERROR, "cannot use the certificates", v);
		c->ops->on_unusable(c->owner);
	}
}

/* Of the set in use, by an engine that was away when that changed. */
static void
judge_current(struct certs *c, struct certs_user *u,
    const struct ipc_verdict *v)
{
	if (!v->good)
		c->ops->lose(u->engine, "it cannot use the certificates");
	else if (u->uses != c->current.number)
		tell_use(c, u);
}

/* No engine is asked twice. */
static bool
judge_coming(struct certs *c, struct certs_user *u, const struct ipc_verdict *v)
{
	struct certs_set *set = &c->coming;

	if (side_of(c, u) != SILENT)
		return false;
	if (v->good) {
		u->agreed = set->number;
		remark(c, set, v);
	} else {
		u->refused = set->number;
		set->refusal = *v;
		memcpy(set->why, v->why, v->why_len);
	}
	settle(c);
	return true;
}

/* What is left over is about a set that is not wanted any more. */
bool
certs_on_verdict(struct certs *c, struct certs_user *u, const struct ipc_msg *m)
{
	struct ipc_verdict v;

	if (m->session == 0 || m->session > c->last || !ipc_read_verdict(m, &v))
		return false;
	if (c->stopped)
		return true;
	if (u->state != CERTS_WORKS)
		judge_first(c, u, m->session, &v);
	else if (m->session == c->current.number)
		judge_current(c, u, &v);
	else if (m->session == c->coming.number)
		return judge_coming(c, u, &v);
	return true;
}

/* ------------------------------------------------- engines come and go */

/* One that has said nothing until now is lost, which may settle the matter. */
static void
certs_on_judge(void *arg)
{
	struct certs *c = arg;
	struct certs_user *u;

	LIST_FOREACH (u, &c->users, entry)
		if (c->coming.number != 0 && u->state == CERTS_WORKS &&
		    side_of(c, u) == SILENT)
			c->ops->lose(u->engine,
			    "it says nothing of the certificates");
}

static void
await_verdicts(struct certs *c)
{
	loop_at(c->loop, &c->judge, clock_ms() + JUDGE_MS, certs_on_judge, c);
}

void
certs_add(struct certs *c, struct certs_user *u, struct engine *e)
{
	*u = (struct certs_user){ .engine = e };
	LIST_INSERT_HEAD(&c->users, u, entry);
}

bool
certs_on_begin(struct certs *c, struct certs_user *u)
{
	u->state = CERTS_BEGUN;
	u->since = clock_ms();
	u->uses = c->current.number;
	u->agreed = u->refused = 0;
	return c->n == 0 ||
	    (tell_tickets(c, u) && tell_set(c, u, &c->current, IPC_TLS_USE));
}

void
certs_on_ready(struct certs *c, struct certs_user *u)
{
	u->state = CERTS_WORKS;
	if (c->coming.number != 0) {
		if (!c->judge.armed)
			await_verdicts(c);
		ask(c, u, &c->coming);
	} else if (u->uses != c->current.number) {
		ask(c, u, &c->current);
	}
}

void
certs_on_gone(struct certs *c, struct certs_user *u)
{
	u->state = CERTS_AWAY;
	if (!c->stopped)
		settle(c);
}

/* ------------------------------------------------- changes */

static bool
is_same_set(const struct certs_set *a, const struct certs_set *b)
{
	return a->bytes.len == b->bytes.len &&
	    memcmp(a->bytes.data, b->bytes.data, a->bytes.len) == 0;
}

static void
propose(struct certs *c, const struct certs_set *set)
{
	struct certs_user *u;

	drop_set(&c->coming);
	c->coming = *set;
	await_verdicts(c);
	LIST_FOREACH (u, &c->users, entry)
		if (u->state == CERTS_WORKS)
			ask(c, u, &c->coming);
}

void
certs_reload(struct certs *c)
{
	struct certs_set set;
	char *why = NULL;

	if (c->n == 0 || !c->serving || c->stopped)
		return;
	if (!read_set(c, &set, &why)) {
		LOG(LOG_LVL_WARN, "certificates stay as they were",
		    LOG_STR("reason", why));
		free(why);
	} else if (c->coming.number == 0 && is_same_set(&set, &c->current)) {
		log_info("certificates have not changed");
		drop_set(&set);
	} else {
		propose(c, &set);
	}
}

static void
certs_on_look(void *arg)
{
	struct certs *c = arg;

	loop_at(c->loop, &c->look, clock_ms() + WATCH_MS, certs_on_look, c);
	if (look_at_files(c))
		certs_reload(c);
}

/* ------------------------------------------------- opening */

bool
certs_open(struct certs *c, struct loop *loop, const struct conf *conf,
    const struct certs_ops *ops, void *owner, char **why)
{
	*c = (struct certs){ .ops = ops, .owner = owner, .loop = loop };
	LIST_INIT(&c->users);
	if (!conf_has_tls(conf))
		return true;
	add_files(c, "sslcert", IPC_FILE_CERT, &conf->ssl_cert);
	add_files(c, "sslkey", IPC_FILE_KEY, &conf->ssl_key);
	add_files(c, "sslocsp", IPC_FILE_OCSP, &conf->ssl_ocsp);
	if (conf->ssl_ca != NULL)
		add_file(c, "sslca", IPC_FILE_CA, 0, conf->ssl_ca);
	if (!read_set(c, &c->current, why))
		return false;
	if (!renew_tickets(c)) {
		*why = mem_printf("no key for session tickets: %s",
		    strerror(errno));
		return false;
	}
	loop_at(c->loop, &c->look, clock_ms() + WATCH_MS, certs_on_look, c);
	loop_at(c->loop, &c->renew, clock_ms() + RENEW_MS, certs_on_renew, c);
	return true;
}

void
certs_serve(struct certs *c)
{
	c->serving = true;
}

void
certs_stop(struct certs *c)
{
	c->stopped = true;
	loop_cancel(&c->judge);
	loop_cancel(&c->look);
	loop_cancel(&c->renew);
}

void
certs_close(struct certs *c)
{
	certs_stop(c);
	drop_set(&c->current);
	drop_set(&c->coming);
	explicit_bzero(c->tickets, sizeof(c->tickets));
	free(c->files);
	*c = (struct certs){ 0 };
}
