#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <string.h>

#ifdef HAVE_CRYPT_H
#include <crypt.h>
#endif

#include <openssl/crypto.h>

#include "base/base.h"
#include "base/buf.h"
#include "conf/conf.h"
#include "conf/userfile.h"
#include "engine/authworker.h"
#include "engine/sandbox.h"
#include "engine/worker.h"
#include "ipc/ipc_ask.h"
#include "ipc/ipc_chan.h"

/* What an unknown name is compared with if the file holds nobody. */
static const char nobody[] =
    "$2y$10$abcdefghijklmnopqrstuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu";

/* The file of a route. */
struct secret {
	struct buf text;           /* until it is complete */
	struct userfile passwords; /* the last complete one */
};

struct auth {
	struct worker worker;
	struct secret secret[IPC_ROUTES_MAX];
};

/* ------------------------------------------------- one password */

/* Works the hash out: this is what takes its time. */
static bool
hashes_to(const char *password, const char *hash)
{
	const char *got = crypt(password, hash);
	size_t len = strlen(hash);

	return got != NULL && strlen(got) == len &&
	    CRYPTO_memcmp(got, hash, len) == 0;
}

/*
 * For a name that is not there, the first password of the file is tried in
 * vain, so that both cost the same.
 */
static bool
is_right(const struct auth *au, const struct ipc_ask *a)
{
	const struct userfile *f = &au->secret[a->route].passwords;
	const struct userfile_entry *u = userfile_find(f, a->user);
	const char *other = f->n > 0 ? f->v[0].hash : nobody;
	bool same = hashes_to(a->password, u != NULL ? u->hash : other);

	return same && u != NULL;
}

/* ------------------------------------------------- what the parent says */

static void
auth_on_settings(void *owner, const struct conf *conf)
{
	(void)owner;
	/* the first one may load what later ones need */
	(void)hashes_to("", nobody);
	/* what the filter costs does not matter here */
	sandbox_enter(&(struct sandbox){
	    .who = "auth worker",
	    .how = conf->sandbox == CONF_SANDBOX_OFF ? CONF_SANDBOX_OFF
						     : CONF_SANDBOX_CALLS,
	});
}

/* The parent has judged the file: nothing is wrong with it. */
static bool
auth_on_msg(void *owner, const struct ipc_msg *m)
{
	struct auth *au = owner;
	struct userfile_error e;
	struct secret *s;
	struct userfile f;
	struct ipc_piece p;
	bool ok;

	if (m->type != IPC_PASSWORDS || !ipc_read_piece(m, &p) ||
	    p.route >= IPC_ROUTES_MAX)
		return false;
	s = &au->secret[p.route];
	if (!buf_add(&s->text, p.data, p.len))
		return false;
	if (!p.last)
		return true;
	ok = userfile_read(&f, USERFILE_PASSWORDS,
	    s->text.len == 0 ? "" : (const char *)s->text.data, s->text.len,
	    &e);
	if (s->text.len > 0)
		OPENSSL_cleanse(s->text.data, s->text.len);
	buf_clear(&s->text);
	if (!ok)
		return false;
	userfile_clear(&s->passwords);
	s->passwords = f;
	return true;
}

static const struct worker_ops ops = {
	.on_settings = auth_on_settings,
	.on_msg = auth_on_msg,
};

/* ------------------------------------------------- what engines ask */

/*
 * The question is here before the parent is listened to once more, so that a
 * file that was in use before it was asked is the one that answers.
 */
static void
answer(struct auth *au, size_t i)
{
	struct worker *w = &au->worker;
	uint8_t in[IPC_ASK_MAX + 1], out[IPC_ANSWER_LEN];
	struct ipc_ask a;
	ssize_t n = recv(w->asker[i], in, sizeof(in), MSG_DONTWAIT);
	int fd = w->asker[i];

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || !ipc_read_ask(in, (size_t)n, &a) ||
	    a.route >= IPC_ROUTES_MAX) {
		worker_drop(w, i);
		OPENSSL_cleanse(in, sizeof(in));
		return;
	}
	worker_hear(w);
	if (!w->over && w->asker[i] == fd) {
		ipc_put_answer(out, a.id, is_right(au, &a));
		if (send(fd, out, sizeof(out), MSG_DONTWAIT | MSG_NOSIGNAL) ==
		    -1)
			worker_drop(w, i);
	}
	OPENSSL_cleanse(in, sizeof(in));
}

static void
wait_and_answer(struct auth *au)
{
	struct pollfd pfd[1 + WORKER_ASKERS];
	struct worker *w = &au->worker;

	pfd[0] = (struct pollfd){ .fd = w->chan.fd, .events = POLLIN };
	for (size_t i = 0; i < WORKER_ASKERS; i++)
		pfd[1 + i] =
		    (struct pollfd){ .fd = w->asker[i], .events = POLLIN };
	if (poll(pfd, nitems(pfd), -1) == -1)
		return;
	if (pfd[0].revents != 0)
		worker_hear(w);
	for (size_t i = 0; i < WORKER_ASKERS && !w->over; i++) {
		if (pfd[1 + i].revents != 0 && pfd[1 + i].fd == w->asker[i])
			answer(au, i);
	}
}

int
authworker_run(void)
{
	struct auth au = { 0 };

	worker_init(&au.worker, "auth", &ops, &au);
	for (size_t i = 0; i < IPC_ROUTES_MAX; i++)
		buf_init(&au.secret[i].text, USERFILE_MAX);
	while (!au.worker.over)
		wait_and_answer(&au);
	worker_clear(&au.worker);
	for (size_t i = 0; i < IPC_ROUTES_MAX; i++) {
		buf_clear(&au.secret[i].text);
		userfile_clear(&au.secret[i].passwords);
	}
	return au.worker.status;
}
