#include <sys/uio.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/base.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "codec/http1_body.h"
#include "codec/http_date.h"
#include "engine/fields.h"
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
choose_framing(struct reply_writer *w, const struct reply *r,
    const struct reply_to *to)
{
	bool none = r->status == 204 || r->status == 304;

	w->bodiless = to->head || none;
	w->counted = r->length != REPLY_UNKNOWN;
	w->left = w->counted ? r->length : 0;
	w->chunked = !w->counted && to->minor > 0 && !none;
	w->close = r->close || (!w->counted && !w->chunked && !w->bodiless);
}

struct head {
	struct http1_out field[FIELDS_MAX];
	size_t n;
};

static void
add(struct head *h, const char *name, const char *value)
{
	if (h->n == FIELDS_MAX)
		bug("too many fields");
	h->field[h->n++] = (struct http1_out){ name, value };
}

/* RFC 9110, section 6.6.1; the text is good for as long as its second. */
static const char *
date(void)
{
	static char text[HTTP_DATE_SIZE];
	static time_t of = -1;
	time_t now = time(NULL);

	if (now != of)
		http_date_put(text, now);
	of = now;
	return text;
}

/*
 * A field that the answer has already is not added to it, but for Vary, which
 * is a list. The first n are the answer's own: the settings may repeat theirs.
 */
static void
add_to(struct head *h, size_t n, const char *name, const char *value)
{
	for (size_t i = 0; i < n; i++) {
		if (str_ieq(h->field[i].name, name) && !str_ieq(name, "Vary"))
			return;
	}
	add(h, name, value);
}

static void
add_settings(struct head *h, const struct fields *fields)
{
	size_t n = h->n;

	for (size_t i = 0; i < fields->n; i++)
		add_to(h, n, fields->v[i].name, fields->v[i].value);
	add_to(h, h->n, "X-Content-Type-Options", "nosniff");
}

void
reply_begin(struct reply_writer *w, const struct reply *r,
    const struct reply_to *to)
{
	struct head h = { .n = 0 };
	char length[24];

	choose_framing(w, r, to);
	w->status = (uint16_t)r->status;
	for (size_t i = 0; i < r->nfields; i++)
		add(&h, r->field[i].name, r->field[i].value);
	(void)snprintf(length, sizeof(length), "%" PRIu64, w->left);
	if (w->chunked)
		add(&h, "Transfer-Encoding", "chunked");
	else if (w->counted && r->status != 204 && r->status != 304)
		add(&h, "Content-Length", length);
	add(&h, "Date", date());
	/* 426 must list Upgrade as well (RFC 9110, section 15.5.22) */
	if (w->close)
		add(&h, "Connection",
		    r->status == 426 ? "Upgrade, close" : "close");
	else if (r->status == 426)
		add(&h, "Connection", "Upgrade");
	add_settings(&h, to->fields);
	if (!http1_put_response(&w->head, r->status, r->reason, h.field, h.n))
		mem_misfit(&w->head, "a response of ours does not fit");
}

size_t
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
		return 0;
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
	return len;
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
		mem_misfit(&w->head, "a last chunk does not fit");
	reply_flush(w, to);
	return w->bodiless || w->left == 0;
}
