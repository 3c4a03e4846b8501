#include <sys/stat.h>

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/http1.h"
#include "codec/http_accept.h"
#include "codec/http_cond.h"
#include "codec/http_date.h"
#include "codec/http_range.h"
#include "codec/mime.h"
#include "codec/url.h"
#include "conf/conf.h"
#include "engine/answer.h"
#include "engine/engine.h"
#include "engine/file.h"
#include "engine/listing.h"
#include "engine/lookup.h"
#include "engine/refusal.h"
#include "engine/reply.h"
#include "engine/request.h"
#include "engine/route.h"
#include "flow/later.h"

enum {
	PIECE = 64 * 1024,   /* read and sent at a time */
	PIECES_PER_TURN = 8, /* before others get their turn */
	ETAG_SIZE = 64,
	YOUNG = 2, /* seconds in which a file may change unnoticed */
	FIELDS_MAX = 10,
};

/* ------------------------------------------------- sending */

struct file {
	struct request *rq;    /* kept */
	struct engine *engine; /* kept */
	int fd;                /* owned */
	off_t at;
	uint64_t left;
	struct later again; /* with the next pieces */
};

static void
file_free(struct file *f)
{
	later_forget(&f->again);
	fd_close(&f->fd);
	engine_file_closed(f->engine);
	free(f);
}

static void
finish(struct file *f)
{
	struct request *rq = f->rq;

	file_free(f);
	request_reply_end(rq);
}

/*
 * The length has been announced. If the file has become shorter, or cannot be
 * read, there is no honest way but to break the connection.
 */
static void
fail(struct file *f, int err)
{
	LOG(LOG_LVL_WARN, "file cut short while it was sent",
	    LOG_UINT("session", f->rq->id),
	    LOG_STR("error", err == 0 ? "it became shorter" : strerror(err)));
	request_abort(f->rq);
}

/* One piece; false if there are no more for now. */
static bool
send_piece(struct file *f)
{
	static uint8_t piece[PIECE];
	size_t want = f->left < PIECE ? (size_t)f->left : PIECE;
	ssize_t n;

	do
		n = pread(f->fd, piece, want, f->at);
	while (n == -1 && errno == EINTR);
	if (n <= 0) {
		fail(f, n == 0 ? 0 : errno);
		return false;
	}
	f->at += n;
	f->left -= (uint64_t)n;
	request_reply_write(f->rq, piece, (size_t)n);
	if (f->left > 0)
		return true;
	finish(f);
	return false;
}

/* What the client does not take at once waits for on_drain. */
static void
send_on(struct file *f)
{
	for (int i = 0; i < PIECES_PER_TURN; i++) {
		if (request_queued(f->rq) > 0)
			return;
		if (!send_piece(f))
			return;
	}
	if (request_queued(f->rq) == 0)
		later_in_turn(&f->again);
}

static void
file_on_again(void *owner)
{
	struct file *f = owner;

	if (!request_is_over(f->rq))
		send_on(f);
}

static void
file_on_drain(void *owner)
{
	send_on(owner);
}

static void
file_on_gone(void *owner)
{
	file_free(owner);
}

/* A body that came with the request is not read. */
static const struct handler_ops file_handler = {
	.on_drain = file_on_drain,
	.on_gone = file_on_gone,
};

/* Takes the descriptor. */
static void
send_file(struct request *rq, int fd, uint64_t from, uint64_t length)
{
	struct file *f = mem_new(1, sizeof(*f));

	*f = (struct file){
		.rq = rq,
		.engine = rq->engine,
		.fd = fd,
		.at = (off_t)from,
		.left = length,
	};
	engine_file_opened(f->engine);
	later_init(&f->again, engine_flow(rq->engine)->base, file_on_again, f);
	request_handle(rq, &file_handler, f);
	send_on(f);
}

/* ------------------------------------------------- what is said of a file */

struct serving {
	struct request *rq;
	struct lookup *found;
	char etag[ETAG_SIZE];
	char modified[HTTP_DATE_SIZE];
	char range[HTTP_RANGE_SIZE];
	struct http1_out field[FIELDS_MAX];
	size_t nfields;
};

static void
add(struct serving *a, const char *name, const char *value)
{
	a->field[a->nfields++] = (struct http1_out){ name, value };
}

/*
 * A tag says that the bytes are the same, which a clock that ticks too slowly
 * cannot promise of a file that has just been written.
 */
static void
make_etag(char out[ETAG_SIZE], const struct stat *st, time_t now)
{
	bool young = now - st->st_mtim.tv_sec < YOUNG;

	(void)snprintf(out, ETAG_SIZE,
	    "%s\"%" PRIx64 "-%" PRIx64 "-%" PRIx64 "%08lx\"", young ? "W/" : "",
	    (uint64_t)st->st_ino, (uint64_t)st->st_size,
	    (uint64_t)st->st_mtim.tv_sec, (unsigned long)st->st_mtim.tv_nsec);
}

/* What a 304 says as well. */
static void
describe(struct serving *a, time_t now)
{
	const struct lookup *l = a->found;

	make_etag(a->etag, &l->st, now);
	http_date_put(a->modified, l->st.st_mtim.tv_sec);
	add(a, "ETag", a->etag);
	add(a, "Last-Modified", a->modified);
	if (l->varies)
		add(a, "Vary", "Accept-Encoding");
}

static void
describe_body(struct serving *a)
{
	const struct lookup *l = a->found;

	add(a, "Content-Type", mime_type(l->name, strlen(l->name)));
	if (l->coding != HTTP_CODING_IDENTITY)
		add(a, "Content-Encoding",
		    l->coding == HTTP_CODING_BR ? "br" : "gzip");
	add(a, "Accept-Ranges", "bytes");
}

static void
reply(struct serving *a, unsigned status, uint64_t from, uint64_t length)
{
	struct request *rq = a->rq;
	bool no_body =
	    status == 304 || length == 0 || http1_method_is(&rq->head, "HEAD");
	int fd = a->found->fd;

	a->found->fd = -1;
	request_reply_start(rq,
	    &(struct reply){
		.status = status,
		.field = a->field,
		.nfields = a->nfields,
		.length = length,
	    });
	if (no_body) {
		fd_close(&fd);
		request_reply_end(rq);
	} else {
		send_file(rq, fd, from, length);
	}
}

static void
refuse(struct request *rq, unsigned status, const char *why,
    const struct http1_out *field)
{
	request_refuse(rq,
	    &(struct refusal){
		.status = status,
		.why = why,
		.field = field,
		.nfields = field != NULL,
		.keep = true,
	    });
}

/* A part of it, all of it, or 416. */
static void
reply_range(struct serving *a, const struct http_cond *cond)
{
	const struct http1_head *head = &a->rq->head;
	const struct http1_field *f = http1_find(head, "Range", NULL);
	uint64_t size = (uint64_t)a->found->st.st_size;
	enum http_range_result rc = HTTP_RANGE_WHOLE;
	struct http_range r = { 0 };

	if (f != NULL && http1_find(head, "Range", f) == NULL &&
	    http1_method_is(head, "GET") && http_cond_range(cond, head))
		rc = http_range_read(f->value, f->value_len, size, &r);
	if (rc == HTTP_RANGE_NONE) {
		const struct http1_out field = { "Content-Range", a->range };

		http_range_put(a->range, NULL, size);
		refuse(a->rq, 416, "The file has no such part.", &field);
		return;
	}
	describe_body(a);
	if (rc == HTTP_RANGE_PART) {
		http_range_put(a->range, &r, size);
		add(a, "Content-Range", a->range);
		reply(a, 206, r.first, r.length);
	} else {
		reply(a, 200, 0, size);
	}
}

static void
reply_file(struct request *rq, struct lookup *found)
{
	time_t now = time(NULL);
	struct serving a = { .rq = rq, .found = found };
	const struct http_cond cond = {
		.etag = a.etag,
		.modified = found->st.st_mtim.tv_sec,
		.now = now,
	};

	describe(&a, now);
	switch (http_cond_decide(&cond, &rq->head)) {
	case HTTP_COND_NOT_MODIFIED:
		reply(&a, 304, 0, 0);
		break;
	case HTTP_COND_FAILED:
		refuse(rq, 412, "The file is not the one that was meant.",
		    NULL);
		break;
	case HTTP_COND_GO:
		reply_range(&a, &cond);
		break;
	}
}

/* ------------------------------------------------- other things than files */

static void
refuse_missing(struct request *rq)
{
	refuse(rq, 404, "There is no such page.", NULL);
}

static void
refuse_trouble(struct request *rq, int err)
{
	LOG(LOG_LVL_ERROR, "cannot serve a file", LOG_UINT("session", rq->id),
	    LOG_STR("error", strerror(err)));
	refuse(rq, 500, "The page cannot be read.", NULL);
}

/* The same with a '/', made anew: what was sent may mean more than a path. */
static void
redirect(struct request *rq, const char *path, size_t len)
{
	struct http1_out field = { .name = "Location" };
	struct buf b;
	bool ok;

	buf_init(&b, 4 * HTTP1_MAX_LINE);
	ok = url_encode(&b, path, len) && buf_add_byte(&b, '/');
	if (ok && rq->url.query_len > 0)
		ok = buf_add_byte(&b, '?') &&
		    buf_add(&b, rq->url.query, rq->url.query_len);
	if (!ok || !buf_add_byte(&b, '\0'))
		mem_misfit(&b, "a Location does not fit");
	field.value = (const char *)b.data;
	refuse(rq, 301, "This is a folder.", &field);
	buf_clear(&b);
}

/* ------------------------------------------------- lists of folders */

/* A request that is answered when the page is complete. */
struct lister {
	struct request *rq;      /* kept */
	struct engine *engine;   /* kept */
	struct listing *listing; /* owned */
	struct buf page;
	struct later again; /* with more of it */
};

static void
lister_free(struct lister *l)
{
	later_forget(&l->again);
	listing_free(l->listing);
	engine_file_closed(l->engine);
	buf_clear(&l->page);
	free(l);
}

/* Titles are what was asked for; the policy keeps whatever is in them quiet. */
static void
reply_list(struct request *rq, const struct buf *page)
{
	static const struct http1_out fields[] = {
		{ "Content-Type", "text/html; charset=utf-8" },
		{ "Content-Security-Policy",
		    "default-src 'none'; base-uri 'none'; form-action 'none'; "
		    "frame-ancestors 'none'" },
		{ "Cache-Control", "no-cache" },
	};

	request_reply(rq,
	    &(struct reply){
		.status = 200,
		.field = fields,
		.nfields = nitems(fields),
		.length = page->len,
	    },
	    page->data, page->len);
}

static void
list_on(struct lister *l)
{
	enum listing_result rc = listing_go_on(l->listing, &l->page);

	if (rc == LISTING_MORE) {
		later_in_turn(&l->again);
		return;
	}
	request_handle(l->rq, NULL, NULL);
	if (rc == LISTING_DONE)
		reply_list(l->rq, &l->page);
	else
		refuse_trouble(l->rq, errno);
	lister_free(l);
}

static void
lister_on_again(void *owner)
{
	struct lister *l = owner;

	if (!request_is_over(l->rq))
		list_on(l);
}

static void
lister_on_gone(void *owner)
{
	lister_free(owner);
}

static const struct handler_ops lister_handler = {
	.on_gone = lister_on_gone,
};

static void
list(struct request *rq, struct lookup *found, const struct beneath *root,
    const char *path, size_t len)
{
	struct listing *listing =
	    listing_new(root, found->fd, found->name, path, len);
	struct lister *l;

	if (listing == NULL) {
		refuse_trouble(rq, errno);
		return;
	}
	l = mem_new(1, sizeof(*l));
	l->rq = rq;
	l->engine = rq->engine;
	l->listing = listing;
	engine_file_opened(l->engine);
	buf_init(&l->page, LISTING_PAGE_MAX);
	later_init(&l->again, engine_flow(rq->engine)->base, lister_on_again,
	    l);
	request_handle(rq, &lister_handler, l);
	list_on(l);
}

/* ------------------------------------------------- what was found */

static void
refuse_noted(struct request *rq, const char *rule)
{
	request_refuse(rq,
	    &(struct refusal){
		.status = 404,
		.why = "There is no such page.",
		.rule = rule,
		.keep = true,
	    });
}

static void
refuse_listing(struct request *rq)
{
	request_refuse(rq,
	    &(struct refusal){
		.status = 404,
		.why = "There is no such page.",
		.rule = "no index.html",
		.option = "--list-directories",
		.keep = true,
	    });
}

void
file_serve(struct request *rq, const struct beneath *root)
{
	enum http_coding codings[HTTP_CODINGS];
	size_t n = http_accept_codings(&rq->head, codings), len;
	char path[HTTP1_MAX_LINE];
	struct lookup found;

	if (!url_decode(rq->url.path, rq->url.path_len, path, &len)) {
		refuse(rq, 400, "The path is malformed.", NULL);
		return;
	}
	if (!answer_may_open(rq))
		return;
	switch (lookup_open(&found, root, path, len, codings, n)) {
	case LOOKUP_FILE:
		reply_file(rq, &found);
		break;
	case LOOKUP_FOLDER:
		if (rq->route->conf->list_directories)
			list(rq, &found, root, path, len);
		else
			refuse_listing(rq);
		break;
	case LOOKUP_SLASH:
		redirect(rq, path, len);
		break;
	case LOOKUP_NONE:
		refuse_missing(rq);
		break;
	case LOOKUP_OUTSIDE:
		refuse_noted(rq, "link out of the folder");
		break;
	case LOOKUP_DENIED:
		refuse_noted(rq, "file permissions");
		break;
	case LOOKUP_ERROR:
		refuse_trouble(rq, errno);
		break;
	}
	lookup_close(&found);
}
