#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/fd.h"
#include "base/mem.h"
#include "ipc/ipc_chan.h"

enum { QUEUE_MAX = 4 * 1024 * 1024 };

struct ipc_packet {
	struct ipc_packet *next;
	size_t len;
	int fd[IPC_FDS_MAX];
	size_t nfds;
	uint8_t bytes[];
};

/* Room for the control message that carries descriptors. */
union rights {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * IPC_FDS_MAX)];
};

void
ipc_chan_init(struct ipc_chan *c, int fd, enum ipc_side us)
{
	*c = (struct ipc_chan){
		.fd = fd,
		.side = us,
		.in = mem_new(1, IPC_HEAD + IPC_BODY_MAX + 1),
	};
	c->tail = &c->first;
}

static void
close_all(const int *fd, size_t n)
{
	for (size_t i = 0; i < n; i++)
		close(fd[i]);
}

static void
drop_first(struct ipc_chan *c)
{
	struct ipc_packet *p = c->first;

	c->queued -= p->len;
	if ((c->first = p->next) == NULL)
		c->tail = &c->first;
	close_all(p->fd, p->nfds);
	explicit_bzero(p->bytes, p->len); /* some hold keys */
	free(p);
}

void
ipc_chan_clear(struct ipc_chan *c)
{
	while (c->first != NULL)
		drop_first(c);
	fd_close(&c->fd);
	free(c->in);
	c->in = NULL;
}

static ssize_t
send_packet(int to, struct iovec *iov, size_t niov, const int *fd, size_t nfds)
{
	union rights r;
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = niov };
	ssize_t n;

	if (nfds > 0) {
		struct cmsghdr *cm;

		memset(&r, 0, sizeof(r));
		mh.msg_control = r.bytes;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		cm = CMSG_FIRSTHDR(&mh);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(cm), fd, sizeof(int) * nfds);
	}
	do
		n = sendmsg(to, &mh, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	return n;
}

/*
 * Whether it was only the wrong moment. ETOOMANYREFS: without privileges, no
 * more descriptors may be under way than one may have open, to all engines.
 */
static bool
is_passing(int err)
{
	return err == EAGAIN || err == ENOBUFS || err == ENOMEM ||
	    err == ETOOMANYREFS;
}

static bool
enqueue(struct ipc_chan *c, const struct iovec *iov, size_t niov, const int *fd,
    size_t nfds)
{
	struct ipc_packet *p;
	size_t len = 0;

	for (size_t i = 0; i < niov; i++)
		len += iov[i].iov_len;
	if (c->queued + len > QUEUE_MAX) {
		close_all(fd, nfds);
		return false;
	}
	p = mem_new(1, sizeof(*p) + len);
	for (size_t i = 0; i < niov; i++) {
		memcpy(p->bytes + p->len, iov[i].iov_base, iov[i].iov_len);
		p->len += iov[i].iov_len;
	}
	for (size_t i = 0; i < nfds; i++)
		p->fd[i] = fd[i];
	p->nfds = nfds;
	*c->tail = p;
	c->tail = &p->next;
	c->queued += len;
	return true;
}

bool
ipc_chan_send(struct ipc_chan *c, enum ipc_type type, uint32_t session,
    const void *a, size_t alen, const void *b, size_t blen, const int *fd,
    size_t nfds)
{
	uint8_t head[IPC_HEAD];
	struct iovec iov[3] = { { .iov_base = head, .iov_len = sizeof(head) } };
	size_t n = 1;

	ipc_put_head(head, type, session);
	if (alen > 0)
		iov[n++] = (struct iovec){ (void *)(uintptr_t)a, alen };
	if (blen > 0)
		iov[n++] = (struct iovec){ (void *)(uintptr_t)b, blen };
	if (c->fd != -1 && c->first == NULL) {
		if (send_packet(c->fd, iov, n, fd, nfds) != -1) {
			close_all(fd, nfds);
			return true;
		}
		if (!is_passing(errno)) {
			close_all(fd, nfds);
			return false;
		}
	}
	if (c->fd == -1) {
		close_all(fd, nfds);
		return false;
	}
	return enqueue(c, iov, n, fd, nfds);
}

bool
ipc_chan_tell(struct ipc_chan *c, enum ipc_type type, uint32_t session,
    const void *body, size_t len)
{
	return ipc_chan_send(c, type, session, body, len, NULL, 0, NULL, 0);
}

bool
ipc_chan_flush(struct ipc_chan *c)
{
	while (c->first != NULL) {
		struct ipc_packet *p = c->first;
		struct iovec iov = { p->bytes, p->len };

		if (send_packet(c->fd, &iov, 1, p->fd, p->nfds) == -1)
			return is_passing(errno);
		drop_first(c);
	}
	return true;
}

bool
ipc_chan_queued(const struct ipc_chan *c)
{
	return c->first != NULL;
}

bool
ipc_chan_crowded(const struct ipc_chan *c)
{
	return c->queued > QUEUE_MAX / 2;
}

/* False if there were more than a message may carry: those are closed. */
static bool
take_fds(struct msghdr *mh, struct ipc_msg *m)
{
	bool fit = true;
	int fd;

	for (struct cmsghdr *cm = CMSG_FIRSTHDR(mh); cm != NULL;
	     cm = CMSG_NXTHDR(mh, cm)) {
		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = CMSG_LEN(0); at < cm->cmsg_len;
		     at += sizeof(fd)) {
			memcpy(&fd, (uint8_t *)cm + at, sizeof(fd));
			if ((fit = m->nfds < IPC_FDS_MAX))
				m->fd[m->nfds++] = fd;
			else
				close(fd);
		}
	}
	return fit;
}

static void
drop_fds(struct ipc_msg *m)
{
	for (size_t i = 0; i < m->nfds; i++)
		fd_close(&m->fd[i]);
	m->nfds = 0;
}

enum ipc_recv
ipc_chan_recv(struct ipc_chan *c, struct ipc_msg *m)
{
	struct iovec iov = { c->in, IPC_HEAD + IPC_BODY_MAX + 1 };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	union rights r;
	enum ipc_side them =
	    c->side == IPC_FROM_PARENT ? IPC_FROM_ENGINE : IPC_FROM_PARENT;
	ssize_t n;
	bool bad;

	if (them == IPC_FROM_PARENT) {
		mh.msg_control = r.bytes;
		mh.msg_controllen = sizeof(r.bytes);
	}
	*m = (struct ipc_msg){ .fd = { -1, -1, -1 } };
	do
		n = recvmsg(c->fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return is_passing(errno) ? IPC_RECV_NONE : IPC_RECV_END;
	if (n == 0)
		return IPC_RECV_END;
	bad = !take_fds(&mh, m) || (mh.msg_flags & MSG_TRUNC);
	m->cut = mh.msg_flags & MSG_CTRUNC;
	if (m->cut)
		drop_fds(m);
	if (!bad && (them == IPC_FROM_PARENT || !m->cut) &&
	    ipc_read(m, them, c->in, (size_t)n))
		return IPC_RECV_MSG;
	drop_fds(m);
	return IPC_RECV_BAD;
}

void
ipc_chan_wipe(struct ipc_chan *c)
{
	explicit_bzero(c->in, IPC_HEAD + IPC_BODY_MAX + 1);
}
