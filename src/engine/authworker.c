#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_CRYPT_H
#include <crypt.h>
#endif

#include <openssl/crypto.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "conf/userfile.h"
#include "conf/wire.h"
#include "engine/authworker.h"
#include "engine/sandbox.h"
#include "ipc/ipc_ask.h"
#include "ipc/ipc_chan.h"

enum { ASKERS_MAX = 256 };

/* What an unknown name is compared with if the file holds nobody. */
static const char nobody[] =
    "$2y$10$abcdefghijklmnopqrstuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu";

struct worker {
	struct ipc_chan chan;      /* to the parent */
	struct buf settings;       /* until they are complete */
	struct buf text;           /* of the file, until it is */
	struct userfile passwords; /* the last complete one */
	int asker[ASKERS_MAX];     /* owned; -1: none */
	bool ready;
	bool over;
	int status;
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
is_right(const struct worker *w, const struct ipc_ask *a)
{
	const struct userfile *f = &w->passwords;
	const struct userfile_entry *u = userfile_find(f, a->user);
	const char *other = f->n > 0 ? f->v[0].hash : nobody;
	bool same = hashes_to(a->password, u != NULL ? u->hash : other);

	return same && u != NULL;
}

/* ------------------------------------------------- what the parent says */

static bool
configure(struct worker *w)
{
	struct conf conf;
	int how;

	if (!wire_unpack(&conf, w->settings.data, w->settings.len))
		return false;
	buf_clear(&w->settings);
	log_init(&(struct log_conf){
	    .program = "standpiped",
	    .level = (enum log_level)conf.loglevel,
	    .format = (enum log_format)conf.log_format,
	    .syslog = conf.syslog,
	});
	how = conf.sandbox;
	conf_clear(&conf);
	/* the first one may load what later ones need */
	(void)hashes_to("", nobody);
	/* what the filter costs does not matter here */
	sandbox_enter(how == CONF_SANDBOX_OFF ? CONF_SANDBOX_OFF
					      : CONF_SANDBOX_CALLS,
	    -1);
	return true;
}

static bool
on_start(struct worker *w)
{
	if (w->ready || !configure(w))
		return false;
	w->ready = true;
	return ipc_chan_tell(&w->chan, IPC_READY, 0, NULL, 0);
}

/* The parent has judged the file: nothing is wrong with it. */
static bool
on_passwords(struct worker *w, const struct ipc_msg *m)
{
	struct userfile_error e;
	struct userfile f;
	struct ipc_piece p;
	bool ok;

	if (!ipc_read_piece(m, &p) || !buf_add(&w->text, p.data, p.len))
		return false;
	if (!p.last)
		return true;
	ok = userfile_read(&f, USERFILE_PASSWORDS,
	    w->text.len == 0 ? "" : (const char *)w->text.data, w->text.len,
	    &e);
	if (w->text.len > 0)
		OPENSSL_cleanse(w->text.data, w->text.len);
	buf_clear(&w->text);
	if (!ok)
		return false;
	userfile_clear(&w->passwords);
	w->passwords = f;
	return true;
}

/* An engine's end of a new socket; that of the one before it has gone. */
static bool
on_asker(struct worker *w, struct ipc_msg *m)
{
	uint32_t index;

	if (!ipc_read_u32(m, &index) || index >= ASKERS_MAX) {
		fd_close(&m->fd[0]);
		return false;
	}
	fd_close(&w->asker[index]);
	w->asker[index] = m->fd[0];
	return true;
}

static bool
handle(struct worker *w, struct ipc_msg *m)
{
	switch (m->type) {
	case IPC_CONF:
		return !w->ready && buf_add(&w->settings, m->body, m->len);
	case IPC_PASSWORDS:
		return on_passwords(w, m);
	case IPC_START:
		return on_start(w);
	case IPC_ASKER:
		return on_asker(w, m);
	case IPC_STOP:
		w->over = true;
		return true;
	default:
		return false;
	}
}

static void
hear_parent(struct worker *w)
{
	enum ipc_recv rc = IPC_RECV_NONE;
	struct ipc_msg m;

	while (!w->over && (rc = ipc_chan_recv(&w->chan, &m)) == IPC_RECV_MSG) {
		if (handle(w, &m))
			continue;
		log_error("auth worker: bad message from the parent: %s",
		    ipc_strtype(m.type));
		rc = IPC_RECV_BAD;
		break;
	}
	if (rc == IPC_RECV_BAD)
		w->status = EXIT_FAILURE;
	if (rc < 0)
		w->over = true;
}

/* ------------------------------------------------- what engines ask */

/*
 * The question is here before the parent is listened to once more, so that a
 * file that was in use before it was asked is the one that answers.
 */
static void
answer(struct worker *w, size_t i)
{
	uint8_t in[IPC_ASK_MAX + 1], out[IPC_ANSWER_LEN];
	struct ipc_ask a;
	ssize_t n = recv(w->asker[i], in, sizeof(in), MSG_DONTWAIT);
	int fd = w->asker[i];

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || !ipc_read_ask(in, (size_t)n, &a)) {
		fd_close(&w->asker[i]);
		OPENSSL_cleanse(in, sizeof(in));
		return;
	}
	hear_parent(w);
	if (!w->over && w->asker[i] == fd) {
		ipc_put_answer(out, a.id, is_right(w, &a));
		if (send(fd, out, sizeof(out), MSG_DONTWAIT | MSG_NOSIGNAL) ==
		    -1)
			fd_close(&w->asker[i]);
	}
	OPENSSL_cleanse(in, sizeof(in));
}

static void
wait_and_answer(struct worker *w)
{
	struct pollfd pfd[1 + ASKERS_MAX];

	pfd[0] = (struct pollfd){ .fd = w->chan.fd, .events = POLLIN };
	for (size_t i = 0; i < ASKERS_MAX; i++)
		pfd[1 + i] =
		    (struct pollfd){ .fd = w->asker[i], .events = POLLIN };
	if (poll(pfd, nitems(pfd), -1) == -1)
		return;
	if (pfd[0].revents != 0)
		hear_parent(w);
	for (size_t i = 0; i < ASKERS_MAX && !w->over; i++) {
		if (pfd[1 + i].revents != 0 && pfd[1 + i].fd == w->asker[i])
			answer(w, i);
	}
}

int
authworker_run(void)
{
	struct worker w = { .status = EXIT_SUCCESS };

	for (size_t i = 0; i < ASKERS_MAX; i++)
		w.asker[i] = -1;
	buf_init(&w.settings, IPC_CONF_MAX);
	buf_init(&w.text, USERFILE_MAX);
	ipc_chan_init(&w.chan, STDIN_FILENO, IPC_FROM_ENGINE);
	while (!w.over)
		wait_and_answer(&w);
	for (size_t i = 0; i < ASKERS_MAX; i++)
		fd_close(&w.asker[i]);
	ipc_chan_clear(&w.chan);
	buf_clear(&w.settings);
	buf_clear(&w.text);
	userfile_clear(&w.passwords);
	return w.status;
}
