#include <sys/uio.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/log.h"
#include "codec/http1_body.h"
#include "engine/reply.h"
#include "flow/stream.h"

enum { FIELDS_MAX = 160 };

void
reply_init(struct reply_writer *w)
{
	*w = (struct reply_writer){ 0 };
	buf_init(&w->head, SIZE_MAX / 2);
}

void
reply_clear(struct reply_writer *w)
{
	buf_clear(&w->head);
	reply_init(w);
}

/* How the client can tell where the body ends. */
static void
choose_framing(struct reply_writer *w, const struct reply *r, unsigned minor,
    bool head)
{
	w->bodiless = head || r->status == 204 || r->status == 304;
	w->counted = r->length != REPLY_UNKNOWN;
	w->left = w->counted ? r->length : 0;
	w->chunked = !w->counted && minor > 0;
	w->close = r->close || (!w->counted && !w->chunked && !w->bodiless);
}

void
reply_begin(struct reply_writer *w, const struct reply *r, unsigned minor,
    bool head)
{
	struct http1_out field[FIELDS_MAX];
	char length[24];
	size_t n = r->nfields;

	if (n > FIELDS_MAX - 4)
		bug("too many fields");
	choose_framing(w, r, minor, head);
	w->status = (uint16_t)r->status;
	if (n > 0)
		memcpy(field, r->field, n * sizeof(*field));
	(void)snprintf(length, sizeof(length), "%" PRIu64, w->left);
	if (r->status == 204 || r->status == 304)
		w->chunked = false;
	else if (w->counted)
		field[n++] = (struct http1_out){ "Content-Length", length };
	else if (w->chunked)
		field[n++] =
		    (struct http1_out){ "Transfer-Encoding", "chunked" };
	field[n++] = (struct http1_out){ "X-Content-Type-Options", "nosniff" };
	/* 426 must list Upgrade as well (RFC 9110, section 15.5.22) */
	if (w->close)
		field[n++] = (struct http1_out){ "Connection",
			r->status == 426 ? "Upgrade, close" : "close" };
	else if (r->status == 426)
		field[n++] = (struct http1_out){ "Connection", "Upgrade" };
	if (!http1_put_response(&w->head, r->status, field, n))
		bug("a response of ours does not fit");
}

void
reply_write(struct reply_writer *w, struct stream *to, const void *data,
    size_t len)
{
	char chunk[HTTP1_CHUNK_HEAD_MAX];
	struct iovec iov[4];
	size_t n = 0;

	if (w->counted && len > w->left)
		len = (size_t)w->left;
	w->left -= w->counted ? len : 0;
	if (w->bodiless || len == 0)
		return;
	if (w->head.len > 0)
		iov[n++] = (struct iovec){ w->head.data, w->head.len };
	if (w->chunked)
		iov[n++] =
		    (struct iovec){ chunk, http1_chunk_head(chunk, len) };
	iov[n++] = (struct iovec){ (void *)(uintptr_t)data, len };
	if (w->chunked)
		iov[n++] =
		    (struct iovec){ (void *)(uintptr_t)HTTP1_CHUNK_TAIL, 2 };
	stream_writev(to, iov, n);
	buf_clear(&w->head);
	w->written += len;
}

void
reply_flush(struct reply_writer *w, struct stream *to)
{
	if (w->head.len > 0)
		stream_write(to, w->head.data, w->head.len);
	buf_clear(&w->head);
}

bool
reply_finish(struct reply_writer *w, struct stream *to)
{
	if (w->chunked && !w->bodiless &&
	    !buf_add_str(&w->head, HTTP1_LAST_CHUNK))
		bug("a last chunk does not fit");
	reply_flush(w, to);
	return w->bodiless || w->left == 0;
}
