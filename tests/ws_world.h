/*
 * A WebSocket over a socket whose other end a test holds. What the owner of the
 * transport hears, and what the peer is sent, are words:
 *
 *	ab" pong:x       data, a message's end after it; a pong
 *	close 1000 bye;  the peer's Close, or ours
 *	fault 1002 why;  hangup  drained  gone  |     (| is the end of our side)
 *
 * Bytes of 'z' are only counted. Included once, after cmocka.h.
 */
#ifndef TESTS_WS_WORLD_H
#define TESTS_WS_WORLD_H

#include "codec/ws.h"
#include "flow/transport_ws.h"
#include "flow_fakes.h"
#include "stream_world.h"

enum {
	FIN = 0x80,
	TEXT = FIN | WS_OP_TEXT,
	BINARY = FIN | WS_OP_BINARY,
	PING = FIN | WS_OP_PING,
	PONG = FIN | WS_OP_PONG,
	CLOSE = FIN | WS_OP_CLOSE,
};

#define BYE        \
	"\x03\xe8" \
	"bye"

static struct fixture {
	struct world w; /* its stream is the transport's */
	struct transport *t;
	enum ws_role role;
	struct ws_reader reader; /* the peer's */
	struct buf sent;         /* to the peer, not looked at yet */
	bool at_end;             /* the peer has seen our end */
	size_t bulk;             /* bytes of 'z', which are not spelled out */
	bool in_message;
	void (*inside)(void); /* what the owner does at each piece of data */
} f;

/* ------------------------------------------------- the owner */

static inline void
on_data(void *owner, const struct piece *p)
{
	assert_ptr_equal(owner, &f);
	assert_int_equal(p->first, !f.in_message);
	f.in_message = !p->last;
	if (p->len > 0 && p->data[0] == 'z')
		f.bulk += p->len;
	else
		hear("%.*s", (int)p->len, (const char *)p->data);
	if (p->last)
		hear("\" ");
	if (f.inside != NULL)
		f.inside();
}

static inline void
on_batch(void *owner)
{
	assert_ptr_equal(owner, &f);
}

static inline void
on_close_of(void *owner, unsigned code, const uint8_t *reason, size_t len)
{
	(void)owner;
	hear("close %u %.*s; ", code, (int)len, (const char *)reason);
}

static inline void
on_fault(void *owner, unsigned code, const char *reason)
{
	(void)owner;
	hear("fault %u %s; ", code, reason);
	transport_close(f.t, code, reason, true);
}

static inline void
on_hangup_of(void *owner)
{
	(void)owner;
	hear("hangup ");
}

static inline void
on_pong(void *owner, const uint8_t *data, size_t len)
{
	(void)owner;
	hear("pong:%.*s ", (int)len, (const char *)data);
}

static inline void
on_drain_of(void *owner)
{
	(void)owner;
	hear("drained ");
}

static inline void
on_gone(void *owner)
{
	(void)owner;
	hear("gone ");
}

static const struct transport_ops transport_ops = {
	.on_data = on_data,
	.on_batch = on_batch,
	.on_close = on_close_of,
	.on_fault = on_fault,
	.on_hangup = on_hangup_of,
	.on_pong = on_pong,
	.on_drain = on_drain_of,
	.on_gone = on_gone,
};

/* ------------------------------------------------- both ends */

static inline void
begin(enum ws_role role, uint64_t max_message)
{
	int fd[2];

	make_sockets(fd);
	f = (struct fixture){ .role = role, .w.fd = fd[1] };
	(void)signal(SIGPIPE, SIG_IGN);
	loop_open(&f.w.loop);
	f.w.stream = stream_new(&f.w.loop.flow, STREAM_SOCKET, fd[0], 0);
	f.t = transport_ws_new(role, &f.w.loop.flow, f.w.stream, max_message);
	transport_set_owner(f.t, &transport_ops, &f);
	transport_resume(f.t);
	ws_reader_init(&f.reader, role == WS_SERVER ? WS_CLIENT : WS_SERVER, 0);
	buf_init(&f.sent, 64 * BIG);
	hear_nothing();
}

static inline void
end(void)
{
	assert_heard("");
	transport_free(f.t);
	fd_close(&f.w.fd);
	buf_clear(&f.sent);
	loop_close(&f.w.loop);
	memset(&refused, 0, sizeof(refused));
}

static inline void
go(void)
{
	loop_turns(&f.w.loop, 3);
}

/* A frame of the peer's, masked if it has to be. */
static inline void
add_frame(struct buf *b, unsigned first, const void *data, size_t len)
{
	static const uint8_t key[4] = { 1, 2, 3, 4 };
	bool masks = f.role == WS_SERVER;
	uint8_t head[WS_HEAD_MAX];
	size_t n = ws_put_head(head, WS_OP_TEXT, true, len, masks ? key : NULL);

	head[0] = (uint8_t)first;
	assert_true(buf_add(b, head, n) && buf_add(b, data, len));
	if (masks)
		(void)ws_mask(b->data + b->len - len, len, key, 0);
}

static inline void
peer_writes(const void *data, size_t len)
{
	assert_int_equal(write(f.w.fd, data, len), len);
}

static inline void
come_bytes(unsigned first, const void *data, size_t len)
{
	struct buf b;

	buf_init(&b, BIG);
	add_frame(&b, first, data, len);
	peer_writes(b.data, b.len);
	buf_clear(&b);
}

static inline void
come(unsigned first, const char *data)
{
	come_bytes(first, data, strlen(data));
}

static inline void
send_text(const char *text)
{
	transport_send(f.t,
	    &(struct piece){ .text = true,
		.first = true,
		.last = true,
		.data = (uint8_t *)(uintptr_t)text,
		.len = strlen(text) });
	transport_flush(f.t);
}

/* ------------------------------------------------- what the peer is sent */

static inline void
note_sent(const struct ws_event *ev, enum ws_result rc)
{
	const uint8_t *reason;
	size_t len;
	unsigned code;

	if (rc == WS_DATA) {
		on_data(&f, &ev->piece);
	} else if (ev->opcode == WS_OP_CLOSE) {
		assert_int_equal(ws_read_close(ev->piece.data, ev->piece.len,
				     &code, &reason, &len),
		    WS_CONTROL);
		hear("close %u %.*s; ", code, (int)len, (const char *)reason);
	} else {
		hear("%s:%.*s ", ev->opcode == WS_OP_PING ? "ping" : "pong",
		    (int)ev->piece.len, (const char *)ev->piece.data);
	}
}

static inline void
decode_sent(uint8_t *in, size_t len)
{
	struct ws_event ev;
	enum ws_result rc;
	size_t used;

	for (; len > 0; in += used, len -= used) {
		rc = ws_read(&f.reader, in, len, &used, &ev);
		assert_true(rc >= 0);
		if (rc != WS_MORE)
			note_sent(&ev, rc);
	}
}

/* With what is there yet. */
static inline void
assert_sent_more(const char *want)
{
	uint8_t room[4096];
	ssize_t n;

	while ((n = read(f.w.fd, room, sizeof(room))) > 0)
		decode_sent(room, (size_t)n);
	if (n == 0 && !f.at_end)
		hear("| ");
	f.at_end |= n == 0;
	assert_heard(want);
}

/* Since the last time. */
static inline void
assert_sent(const char *want)
{
	assert_heard("");
	assert_sent_more(want);
}

/* More than the system takes, unless the stream breaks on it. */
static inline void
fill_up(void)
{
	static uint8_t z[65536];

	memset(z, 'z', sizeof(z));
	for (int i = 0; i < 64 && transport_queued(f.t) == 0; i++) {
		transport_send(f.t,
		    &(struct piece){
			.first = true,
			.last = true,
			.data = z,
			.len = sizeof(z),
		    });
		transport_flush(f.t);
	}
}

/* The peer does not read. */
static inline void
stall(void)
{
	fill_up();
	assert_true(transport_queued(f.t) > 0);
	assert_true(transport_unsent(f.t) >= transport_queued(f.t));
}

/* It reads again, to the end; what the owner hears of that. */
static inline void
read_all(char *said, size_t size)
{
	for (int i = 0; i < 200; i++) {
		drain_other(&f.w, &f.sent);
		turn(&f.w);
	}
	assert_true(heard.n < size);
	memcpy(said, heard.said, heard.n + 1);
	hear_nothing();
}

/* What that was, but for the messages of z. */
static inline void
assert_bulk_sent(const char *want)
{
	const char *p = heard.said;

	decode_sent(f.sent.data, f.sent.len);
	f.sent.len = 0;
	while (strncmp(p, "\" ", 2) == 0)
		p += 2;
	memmove(heard.said, p, strlen(p) + 1);
	heard.n = strlen(heard.said);
	assert_sent_more(want);
}

#endif
