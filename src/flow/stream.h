/*
 * A socket, plain or under TLS, one end of a pipe, or a file as one type: bytes in as
 * they come, bytes out at once or queued, pause, resume, end.
 *
 * A socket is watched edge-triggered from its first moment to its last, so
 * that pausing and resuming cost no system call and a peer's hang-up is
 * noticed while paused. The read end of a pipe is watched only while it is
 * read. The write end of a pipe is watched from the first time it was full.
 *
 * Under TLS the handshake comes first, paused or not, and nothing is given
 * before it is complete; what is written meanwhile waits for it. All that was
 * received is decrypted before it is given, so no byte can wait in a layer that
 * the loop knows nothing of. A connection that ends without a word of TLS is a
 * hang-up as in the plain.
 *
 * Who reads is one of many: a few bytes may be much work, and it is then to stop
 * after some of it and to put the rest back, which comes again with the next
 * turn of the loop, before anything new.
 *
 * No callback may free the stream it was called from; stream_free() belongs
 * into a callback of the loop.
 */
#ifndef FLOW_STREAM_H
#define FLOW_STREAM_H

#include <sys/uio.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct doubt;
struct flow;
struct shared;
struct ssl_st;
struct stream;

enum stream_kind {
	STREAM_SOCKET, /* both ways */
	STREAM_SOURCE, /* the read end of a pipe */
	STREAM_SINK,   /* the write end */
};

/* How a descriptor is read and written without waiting for it. */
enum stream_manner {
	STREAM_NONBLOCK, /* it is non-blocking, which makes it ours */
	STREAM_EACH,     /* a socket: each call says that it will not wait */
	STREAM_READY,    /* only when it is ready, and then not too much */
	STREAM_FILE,     /* always ready: one read in a turn of the loop */
};

struct stream_ops {
	/*
	 * Bytes arrived: take all of them, or say stream_put_back(). They lie
	 * in the shared buffer, may be written to, and are good during the
	 * call.
	 */
	void (*on_read)(void *owner, uint8_t *data, size_t len);
	/* End of file; all bytes before it were given. Once. May be NULL. */
	void (*on_end)(void *owner);
	/*
	 * Sockets: the peer will send nothing more, but we are paused, so
	 * bytes may be waiting. Once; on_end still follows a resume. May be
	 * NULL.
	 */
	void (*on_hangup)(void *owner);
	/*
	 * A client of a server's TLS begins in plain text, with these bytes: the
	 * stream is plain from here on, and says nothing of them again. NULL:
	 * TLS breaks on them.
	 */
	void (*on_plain)(void *owner, const uint8_t *data, size_t len);
	/*
	 * Broken both ways, with an errno; EPROTO: by TLS. Once, and nothing
	 * follows it.
	 */
	void (*on_lost)(void *owner, int err);
	/* What was queued has been written. May be NULL. */
	void (*on_drain)(void *owner);
};

/*
 * Takes fd, which must be non-blocking; keeps flow, ops and owner. A source is
 * paused at first, a socket reads at once. max_pipe: how far, in bytes, a pipe
 * that is often full may be grown; 0: never.
 */
struct stream *stream_new(struct flow *, enum stream_kind, int fd,
    uint64_t max_pipe);

/*
 * The same for a source or a sink that is not ours to make non-blocking; it
 * may be on a description that others have too, which stays as it is.
 */
struct stream *stream_new_shared(struct flow *, enum stream_kind, int fd,
    enum stream_manner);

/*
 * From here on a socket is under TLS; takes ssl, on which nothing was said yet.
 * What was written is out, and nothing more has been received: at the very
 * beginning, or when a proxy has opened the way.
 */
void stream_start_tls(struct stream *, struct ssl_st *ssl);

/* Its TLS connection, borrowed; NULL: plain. And whether the handshake is over. */
struct ssl_st *stream_tls(const struct stream *);
bool stream_tls_up(const struct stream *);

/* Why on_lost came, if TLS was the reason: static. Otherwise NULL. */
const char *stream_tls_fault(const struct stream *);

/* Whoever takes the stream over sets itself; keeps both. */
void stream_set_owner(struct stream *, const struct stream_ops *, void *owner);

/*
 * When it is freed, drop what the system still holds for a socket's other side
 * too: one that takes nothing would keep it there for minutes.
 */
void stream_reset_at_end(struct stream *);

/* Close and free, whatever is queued; NULL is accepted. */
void stream_free(struct stream *);

/* Write, or queue what the system does not take; borrowed for the call. */
void stream_writev(struct stream *, const struct iovec *, size_t n);
void stream_write(struct stream *, const void *data, size_t len);

/*
 * The same of bytes that other streams get as well: what waits is held, not
 * copied. Under TLS each stream has records of its own, which are copies.
 */
void stream_write_shared(struct stream *, struct shared *);

/*
 * stream_writev() and stream_end() in one: on a socket the last bytes and the end
 * leave in one segment.
 */
void stream_writev_last(struct stream *, const struct iovec *, size_t n);

/* Bytes that wait for the system to take them; under TLS, encrypted ones. */
size_t stream_queued(const struct stream *);

/* With those that a socket's other side has not acknowledged, if that is known. */
size_t stream_unsent(const struct stream *);

/*
 * From on_read: the last bytes of what was given, borrowed, wait for the next turn
 * of the loop, or for a resume if we are paused.
 */
void stream_put_back(struct stream *, const uint8_t *data, size_t len);

/* At most so many bytes of a pipe in one turn of the loop. */
void stream_read_little(struct stream *, size_t room);

/* on_read does or does not come; bytes left behind come after a resume. */
void stream_pause(struct stream *);
void stream_resume(struct stream *);

/*
 * Give what a source holds at this moment, one read of it, or its end, without
 * waiting for the loop to find out; nothing if it is paused.
 */
void stream_read_now(struct stream *);

/*
 * The same of a source that will not be read any further, paused or not; whether
 * there may be more.
 */
bool stream_read_last(struct stream *);

/*
 * Nothing more will be written: when the queue is empty, a socket's sending
 * side is shut down, a pipe is closed.
 */
void stream_end(struct stream *);

/*
 * From now on on_lost comes when nobody reads what is written, even while
 * nothing is: with EPIPE. Of a sink at once, if it is a pipe or socket; of a
 * STREAM_SOCKET when its end was given, if it is a Unix socket.
 */
void stream_watch_reader(struct stream *);

/* Whether the last bytes and the end are out. */
bool stream_ended(const struct stream *);

/* For flow/doubts: nothing has come for a moment. */
void stream_on_silence(struct doubt *);

/*
 * What we were short of when on_lost came with that errno, for a log or a
 * Close; NULL: it was something else.
 */
const char *stream_strshort(int err);

/* The descriptor, borrowed: for names and options; -1 when closed. */
int stream_fd(const struct stream *);

#endif
