/*
 * A parent whose engines are the test's: each is a process that only waits to be
 * killed, and the test has its socket, hears what it is told and speaks for it.
 * The clock is the test's own, and no turn of the loop waits. Included once,
 * after cmocka.h.
 */
#ifndef TESTS_PARENT_WORLD_H
#define TESTS_PARENT_WORLD_H

#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/log.h"
#include "ipc/ipc_codec.h"
#include "parent/engine.h"
#include "parent/loop.h"

enum { FAKES = 64, FAKE_BODY = 64 };

/* One that was started. */
struct fake {
	struct engine *engine;              /* in whose place */
	pid_t pid;                          /* 0: reaped */
	int fd;                             /* -1: closed */
	bool deaf;                          /* it reads nothing */
	unsigned told[IPC_TYPES];           /* how often */
	uint8_t body[IPC_TYPES][FAKE_BODY]; /* of the latest, its beginning */
	uint32_t session[IPC_TYPES];
	int passed[IPC_TYPES]; /* the first descriptor of that; -1: none */
};

struct parent_world {
	uint64_t now;
	struct loop loop;
	struct loop_timer awake;
	struct engines engines;
	struct fake fake[FAKES]; /* in the order of their start */
	size_t n;
	int spawn_errno; /* so starting one fails; 0: it works */
	bool fails_once; /* and then it works again */
};

static struct parent_world *the_world;

static inline uint64_t
world_clock(void)
{
	return the_world->now;
}

static inline void
world_on_awake(void *arg)
{
	(void)arg;
}

static inline void
world_open(struct parent_world *w, const struct engine_ops *ops, void *owner)
{
	*w = (struct parent_world){ .now = 1000000 };
	the_world = w;
	clock_replace(world_clock);
	log_init(
	    &(struct log_conf){ .program = "test", .level = LOG_LVL_NONE });
	(void)signal(SIGPIPE, SIG_IGN);
	loop_init(&w->loop);
	engines_init(&w->engines, &w->loop, ops, owner);
}

/* ------------------------------------------------- processes */

/* For engine_ops. */
static inline pid_t
world_spawn(struct engine *e, int chan)
{
	struct parent_world *w = the_world;
	struct fake *f = &w->fake[w->n];
	int up[2];
	sigset_t none;
	char byte;
	pid_t pid;

	if (w->spawn_errno != 0) {
		errno = w->spawn_errno;
		if (w->fails_once)
			w->spawn_errno = 0;
		return -1;
	}
	assert_in_range(w->n, 0, FAKES - 1);
	assert_int_equal(pipe(up), 0);
	if ((pid = fork()) == 0) {
		(void)sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		(void)alarm(20);
		for (int fd = 0; fd < 1024; fd++)
			close(fd);
		for (;;)
			(void)pause();
	}
	assert_true(pid > 0);
	close(up[1]);
	assert_int_equal(read(up[0], &byte, 1), 0); /* it has no socket now */
	close(up[0]);
	*f = (struct fake){ .engine = e, .pid = pid };
	f->fd = fcntl(chan, F_DUPFD_CLOEXEC, 3);
	assert_true(f->fd != -1);
	for (size_t i = 0; i < IPC_TYPES; i++)
		f->passed[i] = -1;
	w->n++;
	return pid;
}

static inline void
keep_packet(struct fake *f, const struct msghdr *mh, const uint8_t *packet,
    size_t len)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(mh);
	struct ipc_msg m = { .nfds = 0 };
	int fd[IPC_FDS_MAX];

	if (c != NULL) {
		m.nfds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fd, CMSG_DATA(c), m.nfds * sizeof(int));
	}
	assert_true(ipc_read(&m, IPC_FROM_PARENT, packet, len));
	f->told[m.type]++;
	f->session[m.type] = m.session;
	if (m.len > 0)
		memcpy(f->body[m.type], m.body,
		    m.len < FAKE_BODY ? m.len : FAKE_BODY);
	if (m.nfds > 0) {
		if (f->passed[m.type] != -1)
			close(f->passed[m.type]);
		f->passed[m.type] = fd[0];
	}
	for (size_t i = 1; i < m.nfds; i++)
		close(fd[i]);
}

static inline void
fake_read(struct fake *f)
{
	static uint8_t packet[IPC_HEAD + IPC_BODY_MAX];
	_Alignas(struct cmsghdr) char control[256];
	struct iovec iov = { packet, sizeof(packet) };
	ssize_t n;

	for (; f->fd != -1 && !f->deaf;) {
		struct msghdr mh = {
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control),
		};

		n = recvmsg(f->fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (n <= 0)
			return;
		keep_packet(f, &mh, packet, (size_t)n);
	}
}

/* Two turns without waiting, and all hear what they were told. */
static inline void
world_turn(struct parent_world *w)
{
	for (int i = 0; i < 2; i++) {
		loop_at(&w->loop, &w->awake, 0, world_on_awake, NULL);
		loop_turn(&w->loop);
		for (size_t j = 0; j < w->n; j++)
			fake_read(&w->fake[j]);
	}
}

static inline void
world_pass(struct parent_world *w, uint64_t ms)
{
	w->now += ms;
	world_turn(w);
}

static inline void
fake_says(struct parent_world *w, struct fake *f, enum ipc_type type,
    uint32_t session, const void *body, size_t len)
{
	uint8_t packet[IPC_HEAD + 4096];

	ipc_put_head(packet, type, session);
	if (len > 0)
		memcpy(packet + IPC_HEAD, body, len);
	assert_int_equal(send(f->fd, packet, IPC_HEAD + len,
			     MSG_DONTWAIT | MSG_NOSIGNAL),
	    (ssize_t)(IPC_HEAD + len));
	world_turn(w);
}

static inline void
fake_is_ready(struct parent_world *w, struct fake *f)
{
	fake_says(w, f, IPC_READY, 0, NULL, 0);
}

/* Its socket ends; the process is still there. */
static inline void
fake_hangs_up(struct parent_world *w, struct fake *f)
{
	close(f->fd);
	f->fd = -1;
	world_turn(w);
}

static inline bool
fake_lives(const struct fake *f)
{
	siginfo_t si = { 0 };

	return waitid(P_PID, (id_t)f->pid, &si, WEXITED | WNOWAIT | WNOHANG) ==
	    0 &&
	    si.si_pid == 0;
}

/* It was, and will have died of it soon. */
static inline bool
fake_was_killed(const struct fake *f)
{
	siginfo_t si = { 0 };

	return waitid(P_PID, (id_t)f->pid, &si, WEXITED | WNOWAIT) == 0 &&
	    si.si_status == SIGKILL;
}

/* Its process has ended, and the parent hears of it. */
static inline void
fake_is_reaped(struct parent_world *w, struct fake *f)
{
	struct engine *e = engines_find_pid(&w->engines, f->pid);

	(void)kill(f->pid, SIGKILL);
	while (waitpid(f->pid, NULL, 0) == -1 && errno == EINTR)
		continue;
	f->pid = 0;
	if (f->fd != -1)
		close(f->fd);
	f->fd = -1;
	if (e != NULL)
		engine_reaped(e, (struct ended){ 0 });
	world_turn(w);
}

static inline void
world_close(struct parent_world *w)
{
	for (size_t i = 0; i < w->n; i++) {
		struct fake *f = &w->fake[i];

		if (f->pid != 0) {
			(void)kill(f->pid, SIGKILL);
			(void)waitpid(f->pid, NULL, 0);
		}
		if (f->fd != -1)
			close(f->fd);
		for (size_t j = 0; j < IPC_TYPES; j++)
			if (f->passed[j] != -1)
				close(f->passed[j]);
	}
	loop_cancel(&w->awake);
	loop_clear(&w->loop);
	clock_replace(NULL);
	the_world = NULL;
}

#endif
