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
#include "parent/daemon.h"
#include "parent/engine.h"
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

/* Whether it works, and with certificates. */
static bool
is_user(const struct engine *e)
{
	return e->ready && e->role == IPC_ROLE_ENGINE;
}

static bool
tell_set(struct engine *e, const struct certs_set *set, enum ipc_type then)
{
	const struct buf *b = &set->bytes;

	for (size_t at = 0; at < b->len; at += PIECE) {
		size_t n = b->len - at < PIECE ? b->len - at : PIECE;

		if (!engine_put(e, IPC_TLS_PART, set->number, b->data + at, n))
			return false;
	}
	return engine_put(e, then, set->number, NULL, 0);
}

static void
lose(struct engine *e)
{
	engine_lost(e, "it does not read what it is told");
}

static void
ask(struct engine *e, const struct certs_set *set)
{
	if (!tell_set(e, set, IPC_TLS_CHECK))
		lose(e);
}

/* Also of the one that it uses already: then it forgets any other. */
static void
tell_use(struct engine *e, uint32_t number)
{
	e->certs.uses = number;
	if (!engine_put(e, IPC_TLS_USE, number, NULL, 0))
		lose(e);
}

static void
tell_all_use(struct certs *c)
{
	struct daemon *d = c->daemon;

	for (size_t i = 0; i < d->nengines; i++)
		if (is_user(&d->engines[i]))
			tell_use(&d->engines[i], c->current.number);
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
tell_tickets(const struct certs *c, struct engine *e)
{
	return engine_put(e, IPC_TLS_TICKETS, 0, c->tickets, c->ntickets);
}

static void
certs_on_renew(void *arg)
{
	struct certs *c = arg;
	struct daemon *d = c->daemon;

	loop_at(c->loop, &c->renew, clock_ms() + RENEW_MS, certs_on_renew, c);

	if (!renew_tickets(c)) {
		log_warn("no new key for session tickets: %s", strerror(errno));
		return;
	}
	for (size_t i = 0; i < d->nengines; i++)
		if (d->engines[i].chan.fd != -1 &&
		    d->engines[i].role == IPC_ROLE_ENGINE &&
		    !tell_tickets(c, &d->engines[i]))
			lose(&d->engines[i]);
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
side_of(const struct certs *c, const struct engine *e)
{
	return !is_user(e)                         ? SILENT
	    : e->certs.agreed == c->coming.number  ? GOOD
	    : e->certs.refused == c->coming.number ? BAD
						   : SILENT;
}

/* Who does not work has nothing to say, unless everybody has to. */
static void
count(const struct certs *c, struct tally *t)
{
	const struct daemon *d = c->daemon;

	*t = (struct tally){ .since = { 0, UINT64_MAX, UINT64_MAX } };
	for (size_t i = 0; i < d->nengines; i++) {
		const struct engine *e = &d->engines[i];
		enum side s = side_of(c, e);

		if (e->role != IPC_ROLE_ENGINE ||
		    (!is_user(e) && !c->coming.disputed))
			continue;
		t->n[s]++;
		if (e->started < t->since[s])
			t->since[s] = e->started;
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
	struct daemon *d = c->daemon;
	enum side few = t->n[BAD] != t->n[GOOD]
	    ? (t->n[BAD] < t->n[GOOD] ? BAD : GOOD)
	    : (t->since[BAD] <= t->since[GOOD] ? BAD : GOOD);

	c->coming.disputed = true;
	for (size_t i = 0; i < d->nengines; i++)
		if (side_of(c, &d->engines[i]) == few)
			engine_lost(&d->engines[i],
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
judge_first(struct certs *c, struct engine *e, uint32_t number,
    const struct ipc_verdict *v)
{
	struct daemon *d = c->daemon;

	if (v->good) {
		if (number == c->current.number)
			remark(c, &c->current, v);
	} else if (d->announced) {
		engine_lost(e, "it cannot use the certificates");
	} else {
		log_verdict(c, LOG_LVL_ERROR, "cannot use the certificates", v);
		daemon_fail(d);
	}
}

/* Of the set in use, by an engine that was away when that changed. */
static void
judge_current(struct certs *c, struct engine *e, const struct ipc_verdict *v)
{
	if (!v->good)
		engine_lost(e, "it cannot use the certificates");
	else if (e->certs.uses != c->current.number)
		tell_use(e, c->current.number);
}

/* Nobody is asked twice. */
static bool
judge_coming(struct certs *c, struct engine *e, const struct ipc_verdict *v)
{
	struct certs_set *set = &c->coming;

	if (side_of(c, e) != SILENT)
		return false;
	if (v->good) {
		e->certs.agreed = set->number;
		remark(c, set, v);
	} else {
		e->certs.refused = set->number;
		set->refusal = *v;
		memcpy(set->why, v->why, v->why_len);
	}
	settle(c);
	return true;
}

/* What is left over is about a set that is not wanted any more. */
bool
certs_on_verdict(struct certs *c, struct engine *e, const struct ipc_msg *m)
{
	struct ipc_verdict v;

	if (m->session == 0 || m->session > c->last || !ipc_read_verdict(m, &v))
		return false;
	if (c->daemon->stopping)
		return true;
	if (!e->ready)
		judge_first(c, e, m->session, &v);
	else if (m->session == c->current.number)
		judge_current(c, e, &v);
	else if (m->session == c->coming.number)
		return judge_coming(c, e, &v);
	return true;
}

/* ------------------------------------------------- engines */

/* Who has said nothing until now is lost. */
static void
certs_on_judge(void *arg)
{
	struct certs *c = arg;
	struct daemon *d = c->daemon;

	for (size_t i = 0; i < d->nengines && c->coming.number != 0; i++)
		if (is_user(&d->engines[i]) &&
		    side_of(c, &d->engines[i]) == SILENT)
			engine_lost(&d->engines[i],
			    "it says nothing of the certificates");
}

static void
await_verdicts(struct certs *c)
{
	loop_at(c->loop, &c->judge, clock_ms() + JUDGE_MS, certs_on_judge, c);
}

bool
certs_tell(struct certs *c, struct engine *e)
{
	if (c->n == 0)
		return true;
	e->certs = (struct certs_user){ .uses = c->current.number };
	return tell_tickets(c, e) && tell_set(e, &c->current, IPC_TLS_USE);
}

void
certs_engine_ready(struct certs *c, struct engine *e)
{
	if (c->coming.number != 0) {
		if (!c->judge.armed)
			await_verdicts(c);
		ask(e, &c->coming);
	} else if (e->certs.uses != c->current.number) {
		ask(e, &c->current);
	}
}

void
certs_engine_lost(struct certs *c)
{
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
	struct daemon *d = c->daemon;

	drop_set(&c->coming);
	c->coming = *set;
	await_verdicts(c);
	for (size_t i = 0; i < d->nengines; i++)
		if (is_user(&d->engines[i]))
			ask(&d->engines[i], &c->coming);
}

void
certs_reload(struct certs *c)
{
	struct certs_set set;
	char *why = NULL;

	if (c->n == 0 || !c->daemon->announced)
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
certs_open(struct certs *c, struct daemon *d, const struct conf *conf,
    char **why)
{
	*c = (struct certs){ .daemon = d, .loop = &d->loop };
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
certs_stop(struct certs *c)
{
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
