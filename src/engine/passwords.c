#include <sys/socket.h>

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "base/addr.h"
#include "base/base.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/passwords.h"
#include "flow/watch.h"
#include "ipc/ipc_ask.h"

enum {
	DIGEST_LEN = 32,
	CHECKS_MAX = 16,   /* that the worker has not answered */
	CHECKS_OF_ONE = 4, /* of them for one customer */
	REMEMBERED_MAX = 256,
	REMEMBER_MS = 60000,
	ANSWER_MS = 30000, /* nobody waits longer */
	ANSWERS_PER_TURN = 16,
};

struct passwords_check {
	uint32_t id;          /* 0: unused */
	bool stale;           /* the file has changed since it was asked */
	struct addr customer; /* who asked first */
	uint8_t digest[DIGEST_LEN];
	struct passwords_ask *first; /* kept: who waits for it */
	struct event timer;
};

struct remembered {
	uint8_t digest[DIGEST_LEN];
	uint64_t until; /* clock_ms(); 0: unused */
};

struct passwords {
	struct event_base *base; /* kept */
	int fd;                  /* owned: to the worker; -1: none */
	uint32_t last_id;
	struct event on_answer;
	struct passwords_check check[CHECKS_MAX];
	struct remembered remembered[REMEMBERED_MAX];
	uint8_t key[DIGEST_LEN];
};

/* ------------------------------------------------- what is remembered */

static void
digest(const struct passwords *p, const struct passwords_login *w,
    uint8_t out[DIGEST_LEN])
{
	uint8_t text[sizeof(w->route) + 2 * (IPC_ASK_TEXT + 1)];
	size_t len = sizeof(w->route), user = strlen(w->user) + 1;
	size_t rest = strlen(w->password);
	unsigned int n;

	memcpy(text, &w->route, len);
	memcpy(text + len, w->user,
	    user); /* with its NUL, which is in neither */
	len += user;
	memcpy(text + len, w->password, rest);
	if (HMAC(EVP_sha256(), p->key, sizeof(p->key), text, len + rest, out,
		&n) == NULL)
		bug("no HMAC");
	OPENSSL_cleanse(text, sizeof(text));
}

static bool
is_remembered(const struct passwords *p, const uint8_t d[DIGEST_LEN])
{
	uint64_t now = clock_ms();
	bool found = false;

	for (size_t i = 0; i < REMEMBERED_MAX; i++) {
		const struct remembered *r = &p->remembered[i];

		found |= CRYPTO_memcmp(r->digest, d, DIGEST_LEN) == 0 &&
		    r->until > now;
	}
	return found;
}

/* In the place of the one that is forgotten first. */
static void
remember(struct passwords *p, const uint8_t d[DIGEST_LEN])
{
	struct remembered *oldest = &p->remembered[0];

	for (size_t i = 1; i < REMEMBERED_MAX; i++)
		if (p->remembered[i].until < oldest->until)
			oldest = &p->remembered[i];
	memcpy(oldest->digest, d, DIGEST_LEN);
	oldest->until = clock_ms() + REMEMBER_MS;
}

void
passwords_forget(struct passwords *p)
{
	OPENSSL_cleanse(p->remembered, sizeof(p->remembered));
	for (size_t i = 0; i < CHECKS_MAX; i++)
		p->check[i].stale = true;
}

/* ------------------------------------------------- who waits */

void
passwords_leave(struct passwords_ask *ask)
{
	if (ask->check == NULL)
		return;
	if ((*ask->link = ask->next) != NULL)
		ask->next->link = ask->link;
	ask->check = NULL;
}

static void
join(struct passwords_check *c, struct passwords_ask *ask)
{
	if (c->first == NULL)
		watch_after(&c->timer, ANSWER_MS);
	ask->check = c;
	ask->link = &c->first;
	if ((ask->next = c->first) != NULL)
		c->first->link = &ask->next;
	c->first = ask;
}

/* Whoever hears it may leave for others, or ask anew. */
static void
tell_all(struct passwords_check *c, enum passwords_verdict v)
{
	struct passwords_ask *ask;

	(void)event_del(&c->timer);
	while ((ask = c->first) != NULL) {
		passwords_leave(ask);
		ask->on_answer(ask->owner, v);
	}
}

/* ------------------------------------------------- the worker */

/* Its questions are not answered any more. */
static void
disconnect(struct passwords *p)
{
	if (p->fd == -1)
		return;
	(void)event_del(&p->on_answer);
	fd_close(&p->fd);
	for (size_t i = 0; i < CHECKS_MAX; i++) {
		p->check[i].id = 0;
		tell_all(&p->check[i], PASSWORDS_UNKNOWN);
	}
}

static void
settle(struct passwords *p, uint32_t id, bool right)
{
	for (size_t i = 0; i < CHECKS_MAX; i++) {
		struct passwords_check *c = &p->check[i];

		if (c->id != id)
			continue;
		c->id = 0;
		if (right && !c->stale)
			remember(p, c->digest);
		tell_all(c, right ? PASSWORDS_RIGHT : PASSWORDS_WRONG);
		return;
	}
}

/* False: there is no other one, or nobody to give any. */
static bool
take_answer(struct passwords *p)
{
	uint8_t in[IPC_ANSWER_LEN + 1];
	ssize_t n = recv(p->fd, in, sizeof(in), MSG_DONTWAIT);
	uint32_t id;
	bool right;

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0 || !ipc_read_answer(in, (size_t)n, &id, &right) || id == 0)
		disconnect(p);
	else
		settle(p, id, right);
	return p->fd != -1;
}

/* What is left makes the loop call again. */
static void
passwords_on_answer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	for (int i = 0; i < ANSWERS_PER_TURN && take_answer(arg); i++)
		continue;
}

/* Who waited has waited enough; the worker is still at it. */
static void
passwords_on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	tell_all(arg, PASSWORDS_UNKNOWN);
}

void
passwords_connect(struct passwords *p, int fd)
{
	disconnect(p);
	p->fd = fd;
	(void)event_assign(&p->on_answer, p->base, fd, EV_READ | EV_PERSIST,
	    passwords_on_answer, p);
	if (!watch_try(&p->on_answer, NULL))
		disconnect(p);
}

static bool
send_question(const struct passwords *p, uint32_t id,
    const struct passwords_login *w)
{
	uint8_t out[IPC_ASK_MAX];
	size_t len = ipc_put_ask(out,
	    &(struct ipc_ask){
		.id = id,
		.route = w->route,
		.user = w->user,
		.password = w->password,
	    });
	ssize_t n = -1;

	if (len > 0 && p->fd != -1)
		n = send(p->fd, out, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	OPENSSL_cleanse(out, sizeof(out));
	return n != -1;
}

/* ------------------------------------------------- a question */

/* The one that asks the same, or a free place, or NULL. */
static struct passwords_check *
find_check(struct passwords *p, const uint8_t d[DIGEST_LEN])
{
	struct passwords_check *unused = NULL;

	for (size_t i = 0; i < CHECKS_MAX; i++) {
		struct passwords_check *c = &p->check[i];

		if (c->id == 0)
			unused = c;
		else if (!c->stale &&
		    CRYPTO_memcmp(c->digest, d, DIGEST_LEN) == 0)
			return c;
	}
	return unused;
}

/*
 * Whether one customer would have more than his share under way, be it that his
 * clients have left. Behind an address of this machine there may be many.
 */
static bool
has_enough(const struct passwords *p, const struct addr *customer)
{
	size_t n = 0;

	if (addr_is_unix(customer) || addr_is_loopback(customer))
		return false;
	for (size_t i = 0; i < CHECKS_MAX; i++)
		n += p->check[i].id != 0 &&
		    addr_same(&p->check[i].customer, customer);
	return n >= CHECKS_OF_ONE;
}

static bool
ask_worker(struct passwords *p, struct passwords_check *c,
    const struct passwords_login *w, const uint8_t d[DIGEST_LEN])
{
	struct addr customer = *w->client;

	addr_cut_customer(&customer);
	if (has_enough(p, &customer))
		return false;
	if (++p->last_id == 0)
		p->last_id = 1;
	if (!send_question(p, p->last_id, w))
		return false;
	c->id = p->last_id;
	c->stale = false;
	c->customer = customer;
	memcpy(c->digest, d, DIGEST_LEN);
	return true;
}

enum passwords_verdict
passwords_check(struct passwords *p, const struct passwords_login *w,
    struct passwords_ask *ask)
{
	struct passwords_check *c;
	uint8_t d[DIGEST_LEN];

	digest(p, w, d);
	if (is_remembered(p, d))
		return PASSWORDS_RIGHT;
	if ((c = find_check(p, d)) == NULL ||
	    (c->id == 0 && !ask_worker(p, c, w, d)))
		return PASSWORDS_UNKNOWN;
	join(c, ask);
	return PASSWORDS_ASKED;
}

/* ------------------------------------------------- life */

struct passwords *
passwords_new(struct event_base *base)
{
	struct passwords *p = mem_new(1, sizeof(*p));
	uint8_t d[DIGEST_LEN];

	p->base = base;
	p->fd = -1;
	if (RAND_bytes(p->key, sizeof(p->key)) != 1)
		bug("no random bytes");
	for (size_t i = 0; i < CHECKS_MAX; i++) {
		(void)evtimer_assign(&p->check[i].timer, base,
		    passwords_on_timer, &p->check[i]);
	}
	digest(p, &(struct passwords_login){ .user = "", .password = "" }, d);
	return p;
}

void
passwords_free(struct passwords *p)
{
	if (p == NULL)
		return;
	disconnect(p);
	OPENSSL_cleanse(p, sizeof(*p));
	free(p);
}
