#include <sys/ioctl.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/base.h"
#include "base/fd.h"
#include "base/mem.h"
#include "flow/flow.h"
#include "flow/later.h"
#include "flow/seal.h"
#include "flow/shared.h"
#include "flow/stream.h"
#include "flow/watch.h"

#ifndef MSG_MORE
#define MSG_MORE 0 /* then the end travels by itself */
#endif

enum {
	READS_PER_TURN = 4,    /* of one socket, before others get theirs */
	SEALED_PER_TURN = 1,   /* the same under TLS: records may be tiny */
	FULL_BEFORE_GROW = 3,  /* times a pipe was full before it is grown */
	PIPE_SIZE = 64 * 1024, /* that a pipe has by itself */
	EARLY_MAX = 64 * 1024, /* written before the handshake is complete */
	OWED_MAX = 64 * 1024,  /* answers of TLS that the peer does not read */
};

/* What a socket under TLS has besides. */
struct sealed {
	struct seal *seal; /* owned */
	struct buf early;  /* written before the handshake was complete */
	struct buf behind; /* came with its last bytes, while we were paused */
	size_t owed;       /* bytes of answers since the queue was last empty */
};

/* Bytes that were put back. */
struct rest {
	size_t at; /* those before were taken after all */
	size_t len;
	uint8_t data[];
};

struct stream {
	const struct stream_ops *ops; /* kept */
	void *owner;                  /* kept */
	struct flow *flow;            /* kept */
	struct evbuffer *out;         /* owned; NULL while nothing is queued */
	struct sealed *tls;           /* owned; NULL: plain */
	struct rest *rest;            /* owned; NULL: all was taken */
	struct later *turn;           /* owned; NULL: not needed yet */
	int fd;                       /* owned; -1: closed */
	int err;                      /* that broke it, 0: none */
	uint64_t max_pipe;
	size_t room; /* of one read */
	uint8_t kind;
	uint8_t manner;
	uint8_t full; /* times the pipe was found full */
	bool paused;
	bool watched;        /* the event is added */
	bool watches_write;  /* and that for writing */
	bool watches_reader; /* its end breaks us, even if nothing is written */
	bool readable;       /* a socket may have more for us */
	bool hung_up;        /* the socket's peer has shut its side */
	bool told_hangup;
	bool told_end;
	bool told_lost;
	bool ending; /* nothing more will be written */
	bool ended;
	struct doubt doubt;
	struct event ev;
};

static void stream_on_event(evutil_socket_t, short what, void *arg);
static void stream_on_turn(void *owner);
static void break_stream(struct stream *, int err);

/* A file has no event: the loop gets to it after those that have. */
static void
take_turn(struct stream *s)
{
	watch_after(&s->ev, 0);
	s->watched = true;
}

static void
watch(struct stream *s, short what)
{
	if (s->err != 0)
		return; /* the owner will be told */
	if (s->manner == STREAM_FILE) {
		take_turn(s);
		return;
	}
	if (s->watched)
		(void)event_del(&s->ev);
	(void)event_assign(&s->ev, s->flow->base, s->fd,
	    (short)(what | EV_PERSIST), stream_on_event, s);
	s->watched = watch_try(&s->ev, NULL);
	if (!s->watched)
		break_stream(s, errno);
}

static void
unwatch(struct stream *s)
{
	if (s->watched)
		(void)event_del(&s->ev);
	s->watched = false;
}

/*
 * A reset that came together with bytes shows as bytes alone, and has no event
 * of its own. A look at each read would cost a call of the system, so there is
 * one when nothing else happened for a moment.
 */
static void
doubt(struct stream *s)
{
	if (s->kind == STREAM_SOCKET)
		doubts_renew(&s->flow->doubts, &s->doubt);
}

/*
 * Go on with reading in the next turn of the loop. The stream's own event would
 * lose its descriptor to a timeout, so there is another one in those that are
 * busy.
 */
static void
put_off(struct stream *s)
{
	if (s->turn == NULL) {
		s->turn = mem_new(1, sizeof(*s->turn));
		later_init(s->turn, s->flow->base, stream_on_turn, s);
	}
	later_in_turn(s->turn);
}

/* Have stream_on_event() called from the loop, as if `what` had happened. */
static void
schedule(struct stream *s, short what)
{
	if (s->fd != -1)
		event_active(&s->ev, what, 1);
}

struct stream *
stream_new(struct flow *flow, enum stream_kind kind, int fd, uint64_t max_pipe)
{
	struct stream *s = mem_new(1, sizeof(*s));

	*s = (struct stream){
		.flow = flow,
		.fd = fd,
		.kind = (uint8_t)kind,
		.max_pipe = max_pipe,
		.room =
		    kind == STREAM_SOCKET ? FLOW_READ_SOCKET : FLOW_READ_PIPE,
		.paused = kind == STREAM_SOURCE,
	};
	(void)event_assign(&s->ev, flow->base, fd, 0, stream_on_event, s);
	if (kind == STREAM_SOCKET)
		watch(s, EV_READ | EV_CLOSED | EV_ET);
	return s;
}

struct stream *
stream_new_shared(struct flow *flow, enum stream_kind kind, int fd,
    enum stream_manner manner)
{
	struct stream *s = stream_new(flow, kind, fd, 0);

	s->manner = (uint8_t)manner;
	return s;
}

struct ssl_st *
stream_tls(const struct stream *s)
{
	return s->tls == NULL ? NULL : seal_ssl(s->tls->seal);
}

bool
stream_tls_up(const struct stream *s)
{
	return s->tls != NULL && seal_is_up(s->tls->seal);
}

const char *
stream_tls_fault(const struct stream *s)
{
	return s->tls == NULL ? NULL : seal_fault(s->tls->seal);
}

static void
free_tls(struct sealed *t)
{
	if (t == NULL)
		return;
	seal_free(t->seal);
	buf_clear(&t->early);
	buf_clear(&t->behind);
	free(t);
}

void
stream_set_owner(struct stream *s, const struct stream_ops *ops, void *owner)
{
	s->ops = ops;
	s->owner = owner;
}

static void
drop_queue(struct stream *s)
{
	if (s->out != NULL)
		evbuffer_free(s->out);
	s->out = NULL;
}

void
stream_reset_at_end(struct stream *s)
{
	static const struct linger none = { .l_onoff = 1 };

	if (s->fd != -1)
		(void)setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &none,
		    sizeof(none));
}

void
stream_free(struct stream *s)
{
	if (s == NULL)
		return;
	(void)event_del(&s->ev); /* a scheduled call as well */
	doubts_forget(&s->flow->doubts, &s->doubt);
	if (s->turn != NULL)
		later_forget(s->turn);
	free(s->turn);
	drop_queue(s);
	free_tls(s->tls);
	free(s->rest);
	fd_close(&s->fd);
	free(s);
}

/* The loop will tell the owner: nobody expects a callback while it writes. */
static void
break_stream(struct stream *s, int err)
{
	if (s->err != 0)
		return;
	s->err = err;
	drop_queue(s);
	schedule(s, EV_WRITE);
}

static void
grow_pipe(struct stream *s)
{
#ifdef F_SETPIPE_SZ
	if (s->max_pipe > PIPE_SIZE && s->full < FULL_BEFORE_GROW &&
	    ++s->full == FULL_BEFORE_GROW)
		(void)fcntl(s->fd, F_SETPIPE_SZ, (int)s->max_pipe);
#else
	(void)s;
#endif
}

static void
watch_writing(struct stream *s)
{
	short also = s->kind == STREAM_SOCKET ? EV_READ | EV_CLOSED
	    : s->watches_reader               ? EV_READ
					      : 0;

	if (s->watched && s->watches_write)
		return;
	watch(s, (short)(EV_WRITE | EV_ET | also));
	s->watches_write = true;
}

/* False: there is no memory for one. */
static bool
has_queue(struct stream *s)
{
	if (s->out == NULL && (s->out = evbuffer_new()) == NULL)
		break_stream(s, ENOMEM);
	return s->out != NULL;
}

/* The loop writes it when there is room. */
static void
await_room(struct stream *s)
{
	if (s->kind == STREAM_SINK)
		grow_pipe(s);
	watch_writing(s);
}

/* The system took `done` bytes of these; the rest waits. */
static void
queue_rest(struct stream *s, const struct iovec *iov, size_t n, size_t done)
{
	if (!has_queue(s))
		return;
	for (size_t i = 0; i < n; i++) {
		size_t len = iov[i].iov_len;

		if (done >= len) {
			done -= len;
			continue;
		}
		if (evbuffer_add(s->out, (uint8_t *)iov[i].iov_base + done,
			len - done) == -1) {
			break_stream(s, ENOMEM);
			return;
		}
		done = 0;
	}
	await_room(s);
}

/* Whether that would not wait: asked only where it might. */
static bool
is_ready(const struct stream *s, short what)
{
	struct pollfd p = { .fd = s->fd, .events = what };

	return s->manner != STREAM_READY || poll(&p, 1, 0) == 1;
}

/* As much as a pipe takes at once if it takes anything. */
static ssize_t
write_piece(const struct stream *s, const struct iovec *iov)
{
	size_t n = iov->iov_len < PIPE_BUF ? iov->iov_len : PIPE_BUF;

	return is_ready(s, POLLOUT) ? write(s->fd, iov->iov_base, n) : 0;
}

/* MSG_MORE: what follows is the end, which is to travel with these bytes. */
static int
send_flags(const struct stream *s, bool last)
{
	if (s->manner == STREAM_EACH)
		return MSG_DONTWAIT | MSG_NOSIGNAL;
	return last && s->kind == STREAM_SOCKET ? MSG_MORE | MSG_NOSIGNAL : 0;
}

static ssize_t
write_now(const struct stream *s, const struct iovec *iov, size_t n, bool last)
{
	struct msghdr mh = {
		.msg_iov = (struct iovec *)(uintptr_t)iov,
		.msg_iovlen = n,
	};
	int flags = send_flags(s, last);
	ssize_t done;

	do
		if (s->manner == STREAM_READY)
			done = write_piece(s, iov);
		else if (flags != 0)
			done = sendmsg(s->fd, &mh, flags);
		else if (n == 1)
			done = write(s->fd, iov[0].iov_base, iov[0].iov_len);
		else
			done = writev(s->fd, iov, (int)n);
	while (done == -1 && errno == EINTR);
	return done == -1 && errno == EAGAIN ? 0 : done;
}

/* What can be written now; -1: the stream is broken. */
static ssize_t
write_first(struct stream *s, const struct iovec *iov, size_t n, bool last)
{
	ssize_t done = 0;

	if (s->out == NULL && (done = write_now(s, iov, n, last)) == -1)
		break_stream(s, errno);
	return done;
}

static void
write_or_queue(struct stream *s, const struct iovec *iov, size_t n, bool last)
{
	ssize_t done;
	size_t total = 0;

	if (s->err != 0 || s->fd == -1)
		return;
	for (size_t i = 0; i < n; i++)
		total += iov[i].iov_len;
	if (total == 0)
		return;
	done = write_first(s, iov, n, last);
	if (done != -1 && (size_t)done < total)
		queue_rest(s, iov, n, (size_t)done);
}

/* ------------------------------------------------- shared bytes */

static void
shared_on_written(const void *data, size_t len, void *arg)
{
	(void)data;
	(void)len;
	shared_drop(arg);
}

static void
queue_shared(struct stream *s, struct shared *sh, size_t done)
{
	if (!has_queue(s))
		return;
	shared_hold(sh);
	if (evbuffer_add_reference(s->out, sh->bytes.data + done,
		sh->bytes.len - done, shared_on_written, sh) == -1) {
		shared_drop(sh);
		break_stream(s, ENOMEM);
		return;
	}
	await_room(s);
}

static void
share(struct stream *s, struct shared *sh)
{
	struct iovec iov = { sh->bytes.data, sh->bytes.len };
	ssize_t done;

	if (s->err != 0 || s->ending || iov.iov_len == 0)
		return;
	done = write_first(s, &iov, 1, false);
	if (done != -1 && (size_t)done < iov.iov_len)
		queue_shared(s, sh, (size_t)done);
}

/* ------------------------------------------------- writing under TLS */

static bool
is_shaking(const struct stream *s)
{
	return s->tls != NULL && !seal_is_up(s->tls->seal);
}

/* Write the records that TLS has made. */
static void
write_records(struct stream *s, bool last)
{
	struct buf *wire = &s->flow->wire;
	struct iovec iov = { wire->data, wire->len };

	write_or_queue(s, &iov, 1, last);
	wire->len = 0;
}

static void
seal_and_write(struct stream *s, const struct iovec *iov, size_t n, bool last)
{
	struct seal_pieces p = { .iov = iov, .n = n };
	enum seal_result rc;

	while (s->err == 0 && (rc = seal_write(s->tls->seal, &p)) != SEAL_END) {
		if (rc == SEAL_BROKEN)
			break_stream(s, EPROTO);
		if (s->flow->wire.len >= FLOW_READ_SOCKET)
			write_records(s, false);
	}
	if (last)
		seal_end(s->tls->seal);
	write_records(s, last);
}

static void
keep_early(struct stream *s, const struct iovec *iov, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!buf_add(&s->tls->early, iov[i].iov_base, iov[i].iov_len))
			break_stream(s,
			    s->tls->early.starved ? ENOMEM : EMSGSIZE);
}

/* ------------------------------------------------- writing */

static void
write_all(struct stream *s, const struct iovec *iov, size_t n, bool last)
{
	if (s->err != 0 || s->ending)
		return;
	if (s->tls == NULL)
		write_or_queue(s, iov, n, last);
	else if (is_shaking(s))
		keep_early(s, iov, n);
	else
		seal_and_write(s, iov, n, last);
}

void
stream_writev(struct stream *s, const struct iovec *iov, size_t n)
{
	write_all(s, iov, n, false);
}

void
stream_writev_last(struct stream *s, const struct iovec *iov, size_t n)
{
	write_all(s, iov, n, true);
	stream_end(s);
}

void
stream_write(struct stream *s, const void *data, size_t len)
{
	struct iovec iov = { (void *)(uintptr_t)data, len };

	stream_writev(s, &iov, 1);
}

void
stream_write_shared(struct stream *s, struct shared *sh)
{
	if (s->tls == NULL)
		share(s, sh);
	else
		stream_write(s, sh->bytes.data, sh->bytes.len);
}

size_t
stream_queued(const struct stream *s)
{
	size_t early = s->tls == NULL ? 0 : s->tls->early.len;

	return early + (s->out == NULL ? 0 : evbuffer_get_length(s->out));
}

size_t
stream_unsent(const struct stream *s)
{
	int held = 0;

#ifdef TIOCOUTQ
	if (s->fd == -1 || ioctl(s->fd, TIOCOUTQ, &held) == -1)
		held = 0;
#endif
	return stream_queued(s) + (size_t)held;
}

/* A hang-up that came while we read would have no further event. */
void
stream_pause(struct stream *s)
{
	if (s->hung_up && !s->told_hangup && !s->told_end)
		schedule(s, EV_CLOSED);
	if (s->paused)
		return;
	s->paused = true;
	if (s->kind == STREAM_SOURCE && s->err == 0)
		unwatch(s);
}

void
stream_resume(struct stream *s)
{
	if (!s->paused || s->fd == -1)
		return;
	s->paused = false;
	if (s->kind == STREAM_SOURCE)
		watch(s, EV_READ);
	else if (s->readable)
		schedule(s, EV_READ);
	if (s->rest != NULL)
		put_off(s);
}

static void
finish(struct stream *s)
{
	s->ended = true;
	if (s->kind == STREAM_SOCKET) {
		(void)shutdown(s->fd, SHUT_WR);
	} else {
		(void)event_del(&s->ev);
		s->watched = false;
		fd_close(&s->fd);
	}
}

void
stream_end(struct stream *s)
{
	if (s->ending)
		return;
	if (s->tls != NULL && s->err == 0) {
		seal_end(s->tls->seal);
		write_records(s, true);
	}
	s->ending = true;
	if (stream_queued(s) == 0 && s->err == 0)
		finish(s);
}

void
stream_watch_reader(struct stream *s)
{
	short also = s->watches_write ? EV_WRITE : 0;

	if (s->manner == STREAM_FILE || s->fd == -1)
		return;
	s->watches_reader = true;
	if (s->kind == STREAM_SINK)
		watch(s, (short)(EV_READ | EV_ET | also));
}

bool
stream_ended(const struct stream *s)
{
	return s->ended;
}

const char *
stream_strshort(int err)
{
	switch (err) {
	case ENOMEM:
	case ENOBUFS:
		return "out of memory";
	case ENOSPC:
		return "out of watches";
	default:
		return NULL;
	}
}

int
stream_fd(const struct stream *s)
{
	return s->fd;
}

static void
drained(struct stream *s)
{
	if (s->tls != NULL)
		s->tls->owed = 0;
	if (s->ending)
		finish(s);
	if (s->ops->on_drain != NULL)
		s->ops->on_drain(s->owner);
}

/* Some of what is queued; -1 with errno. */
static int
write_queued(struct stream *s)
{
	struct iovec iov;
	ssize_t done;

	if (s->manner == STREAM_NONBLOCK || s->manner == STREAM_FILE)
		return evbuffer_write(s->out, s->fd);
	(void)evbuffer_peek(s->out, -1, NULL, &iov, 1);
	if ((done = write_now(s, &iov, 1, false)) == 0)
		errno = EAGAIN;
	if (done <= 0)
		return -1;
	return evbuffer_drain(s->out, (size_t)done);
}

/* Write what is queued. */
static void
flush(struct stream *s)
{
	if (s->out == NULL)
		return;
	while (evbuffer_get_length(s->out) > 0) {
		if (write_queued(s) != -1)
			continue;
		if (errno == EINTR)
			continue; /* it was told of only once */
		if (errno != EAGAIN)
			break_stream(s, errno);
		return;
	}
	drop_queue(s);
	drained(s);
}

static void
tell_lost(struct stream *s)
{
	if (s->told_lost)
		return;
	s->told_lost = true;
	s->paused = true;
	unwatch(s);
	s->ops->on_lost(s->owner, s->err);
}

static void
tell_end(struct stream *s)
{
	s->readable = false;
	if (s->kind == STREAM_SOURCE)
		unwatch(s);
	if (s->told_end)
		return;
	s->told_end = true;
	if (s->ops->on_end != NULL)
		s->ops->on_end(s->owner);
}

/* ------------------------------------------------- reading under TLS */

/*
 * Write what reading made TLS say. A peer that has it say much and reads none of
 * it is not to fill our memory.
 */
static void
write_answers(struct stream *s)
{
	if (s->out != NULL)
		s->tls->owed += s->flow->wire.len;
	write_records(s, false);
	if (s->tls->owed > OWED_MAX)
		break_stream(s, EMSGSIZE);
}

/* The handshake is complete: what was written meanwhile goes out. */
static void
come_up(struct stream *s)
{
	struct buf early = s->tls->early;
	struct iovec iov = { early.data, early.len };

	if (early.len == 0)
		return;
	buf_init(&s->tls->early, EARLY_MAX);
	seal_and_write(s, &iov, 1, s->ending);
	buf_clear(&early);
	if (s->out == NULL && s->err == 0)
		drained(s);
}

/* Go on with the handshake; the bytes that it left. */
static size_t
shake(struct stream *s, const uint8_t *data, size_t len)
{
	size_t used = 0;
	enum seal_result rc = seal_shake(s->tls->seal, data, len, &used);

	write_answers(s);
	if (rc == SEAL_BROKEN)
		break_stream(s, EPROTO);
	else if (rc == SEAL_UP)
		come_up(s);
	return rc == SEAL_UP ? len - used : 0;
}

void
stream_start_tls(struct stream *s, struct ssl_st *ssl)
{
	s->tls = mem_new(1, sizeof(*s->tls));
	s->tls->seal = seal_new(s->flow, ssl);
	buf_init(&s->tls->early, EARLY_MAX);
	buf_init(&s->tls->behind, FLOW_READ_SOCKET);
	if (seal_is_client(s->tls->seal))
		(void)shake(s, NULL, 0);
}

/* Its end is as a hang-up: it may have to wait until we are resumed. */
static void
unseal(struct stream *s, const uint8_t *data, size_t len)
{
	size_t n;
	enum seal_result rc =
	    seal_read(s->tls->seal, data, len, s->flow->in, &n);

	write_answers(s);
	if (rc == SEAL_END)
		s->hung_up = s->readable = true;
	if (n > 0)
		s->ops->on_read(s->owner, s->flow->in, n);
	if (rc == SEAL_BROKEN)
		break_stream(s, EPROTO);
}

/* What was written to go out sealed does not go out at all. */
static void
become_plain(struct stream *s, const uint8_t *data, size_t len)
{
	free_tls(s->tls);
	s->tls = NULL;
	s->ops->on_plain(s->owner, data, len);
}

static void
take_sealed(struct stream *s, const uint8_t *data, size_t len)
{
	if (is_shaking(s)) {
		size_t left;

		if (s->ops->on_plain != NULL &&
		    seal_is_text(s->tls->seal, data, len)) {
			become_plain(s, data, len);
			return;
		}
		left = shake(s, data, len);
		data += len - left;
		len = left;
	}
	if (len == 0 || s->err != 0)
		return;
	if (!s->paused)
		unseal(s, data, len);
	else if (buf_add(&s->tls->behind, data, len))
		s->readable = true;
	else
		break_stream(s, ENOMEM);
}

/* What can be had without a read; false: nothing. */
static bool
take_behind(struct stream *s)
{
	struct buf behind = s->tls->behind;

	if (seal_has_ended(s->tls->seal)) {
		tell_end(s);
		return true;
	}
	if (behind.len == 0)
		return false;
	buf_init(&s->tls->behind, FLOW_READ_SOCKET);
	unseal(s, behind.data, behind.len);
	buf_clear(&behind);
	return true;
}

/* ------------------------------------------------- what is put back */

void
stream_read_little(struct stream *s, size_t room)
{
	s->room = room;
}

static struct rest *
new_rest(const struct rest *behind, const uint8_t *data, size_t len)
{
	size_t n = behind == NULL ? 0 : behind->len - behind->at;
	struct rest *r = mem_new(1, sizeof(*r) + len + n);

	r->len = len + n;
	memcpy(r->data, data, len);
	if (n > 0)
		memcpy(r->data + len, behind->data + behind->at, n);
	return r;
}

/* What comes of the rest itself lies where it is to be. */
void
stream_put_back(struct stream *s, const uint8_t *data, size_t len)
{
	struct rest *r = s->rest;

	if (len == 0)
		return;
	if (r != NULL && data + len == r->data + r->len) {
		r->at = r->len - len;
	} else {
		s->rest = new_rest(r, data, len);
		free(r);
	}
	if (!s->paused)
		put_off(s);
}

/* Whether all of it was taken. */
static bool
give_rest(struct stream *s)
{
	struct rest *r = s->rest;
	size_t at = r->at;

	r->at = r->len;
	s->ops->on_read(s->owner, r->data + at, r->len - at);
	if (s->rest != r || r->at < r->len)
		return false;
	free(r);
	s->rest = NULL;
	return true;
}

/* ------------------------------------------------- reading */

/* An interruption is no answer, and the edge that led here comes only once. */
static ssize_t
read_now(const struct stream *s, uint8_t *at, size_t room)
{
	ssize_t n;

	if (!is_ready(s, POLLIN)) {
		errno = EAGAIN;
		return -1;
	}
	do
		n = s->manner == STREAM_EACH
		    ? recv(s->fd, at, room, MSG_DONTWAIT)
		    : read(s->fd, at, room);
	while (n == -1 && errno == EINTR);
	return n;
}

/* One read; false if there is nothing more to do now. */
static bool
read_once(struct stream *s)
{
	uint8_t *at = s->flow->in + (s->tls == NULL ? 0 : FLOW_SEALED);
	ssize_t n;

	if (s->rest != NULL)
		return give_rest(s) && s->kind == STREAM_SOCKET && s->readable;
	if (s->tls != NULL && take_behind(s))
		return s->readable;
	n = read_now(s, at, s->room);
	if (n == -1) {
		if (errno == EAGAIN)
			s->readable = false;
		else
			break_stream(s, errno);
		return false;
	}
	if (n == 0) {
		if (is_shaking(s))
			break_stream(s, ECONNRESET);
		else
			tell_end(s);
		return false;
	}
	if (s->kind == STREAM_SOURCE && n >= PIPE_SIZE)
		grow_pipe(s);
	/* A short read emptied it; whatever comes next is a new edge. */
	if ((size_t)n < s->room && !s->hung_up)
		s->readable = false;
	doubt(s);
	if (s->tls != NULL)
		take_sealed(s, at, (size_t)n);
	else
		s->ops->on_read(s->owner, s->flow->in, (size_t)n);
	return s->kind == STREAM_SOCKET && s->readable && s->rest == NULL;
}

/* A handshake goes on whatever the owner wants. */
static bool
is_reading(const struct stream *s)
{
	return !s->paused || is_shaking(s);
}

static void
read_some(struct stream *s)
{
	int reads = s->tls == NULL ? READS_PER_TURN : SEALED_PER_TURN;

	for (int i = 0; i < reads; i++)
		if (!is_reading(s) || s->err != 0 || s->told_end ||
		    !read_once(s))
			return;
	if (is_reading(s))
		put_off(s);
}

static void
stream_on_turn(void *owner)
{
	struct stream *s = owner;

	if (is_reading(s) && s->err == 0)
		read_some(s);
}

static bool
look_for_error(struct stream *s)
{
	socklen_t len = sizeof(int);
	int err = 0;

	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &err, &len) == -1 ||
	    err == 0)
		return false;
	break_stream(s, err);
	return true;
}

void
stream_on_silence(struct doubt *d)
{
	struct stream *s = container_of(d, struct stream, doubt);

	if (s->watched && s->err == 0)
		(void)look_for_error(s);
}

/*
 * Something happened while we do not read: more bytes, which can wait, or the
 * peer's end, which the owner wants to know.
 */
static void
look_while_paused(struct stream *s)
{
	if (look_for_error(s))
		return;
	if (s->hung_up && !s->told_hangup && s->ops->on_hangup != NULL) {
		s->told_hangup = true;
		s->ops->on_hangup(s->owner);
	}
}

/*
 * Only what broke is asked for, since that always comes. A socket's other side
 * that closed may have left something to read; and when we have ended as well,
 * nobody breaks anything.
 */
static void
look_for_reader(struct stream *s)
{
	struct pollfd p = { .fd = s->fd };

	if (s->kind == STREAM_SOCKET && (!s->told_end || s->ended))
		return;
	if (poll(&p, 1, 0) == 1)
		break_stream(s, EPIPE);
}

/* The turn that a file took has come: for what, and whether for one more. */
static short
use_turn(struct stream *s)
{
	s->watched = false;
	return s->kind == STREAM_SOURCE ? EV_READ : EV_WRITE;
}

static bool
needs_turn(const struct stream *s)
{
	if (s->manner != STREAM_FILE || s->watched || s->fd == -1)
		return false;
	return s->kind == STREAM_SOURCE ? !s->paused && !s->told_end
					: s->out != NULL;
}

static void
stream_on_event(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;

	(void)fd;
	if (what & EV_TIMEOUT && s->manner == STREAM_FILE)
		what = use_turn(s);
	if (what & EV_CLOSED)
		s->hung_up = true;
	if (what & (EV_READ | EV_CLOSED))
		s->readable = true;
	if (what & EV_WRITE && s->err == 0)
		flush(s);
	if (s->kind == STREAM_SOCKET && !is_reading(s) &&
	    what & (EV_READ | EV_CLOSED) && s->err == 0)
		look_while_paused(s);
	else if (s->kind != STREAM_SINK && s->readable && s->rest == NULL)
		read_some(s); /* a rest has a turn of its own */
	if (s->watches_reader && what & (EV_READ | EV_CLOSED) && s->err == 0)
		look_for_reader(s);
	if (s->err != 0)
		tell_lost(s);
	else if (needs_turn(s))
		take_turn(s);
}

void
stream_read_now(struct stream *s)
{
	if (s->paused)
		return;
	if (s->rest != NULL)
		stream_on_turn(s);
	else
		stream_on_event(s->fd, EV_READ, s);
}

bool
stream_read_last(struct stream *s)
{
	if (s->fd == -1 || s->told_end || s->err != 0)
		return false;
	s->readable = true;
	(void)read_once(s);
	return s->readable || s->rest != NULL;
}
