#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "codec/base64.h"
#include "codec/http_accept.h"
#include "engine/answer.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/pages.h"
#include "engine/request.h"
#include "web/web.h"

enum {
	HASH_LEN = 32,
	HASH_TEXT = BASE64_SIZE(HASH_LEN),
	FIELDS_MAX = 16,
	BODY_MAX = 4096, /* of an error */
};

/* The fields that go with a status besides those of every error. */
static const struct extra {
	unsigned status;
	struct http1_out field;
} extras[] = {
	{ 405, { "Allow", "GET, HEAD" } },
	{ 426, { "Upgrade", "websocket" } },
	{ 426, { "Sec-WebSocket-Version", "13" } },
	{ 429, { "Retry-After", "5" } },
	{ 503, { "Retry-After", "5" } },
};

static bool
has_field(const struct refusal *r, const char *name)
{
	for (size_t i = 0; i < r->nfields; i++)
		if (str_ieq(r->field[i].name, name))
			return true;
	return false;
}

/* Nobody sees the page of a WebSocket that was refused. */
static const struct buf *
find_page(const struct request *rq, unsigned status)
{
	const struct pages *pages = engine_pages(conn_engine(rq->conn));

	if (http1_count(&rq->head, "Upgrade") > 0 ||
	    !http_accept_html(&rq->head))
		return NULL;
	return pages_find(pages, status);
}

void
answer_error(struct request *rq, const struct refusal *r)
{
	const struct buf *page = find_page(rq, r->status);
	struct http1_out field[FIELDS_MAX] = {
		{ "Content-Type",
		    page != NULL ? "text/html; charset=utf-8"
				 : "text/plain; charset=utf-8" },
		{ "Cache-Control", "no-store" },
	};
	size_t n = 2;
	struct buf body;

	for (size_t i = 0; i < nitems(extras); i++)
		if (extras[i].status == r->status &&
		    !has_field(r, extras[i].field.name))
			field[n++] = extras[i].field;
	for (size_t i = 0; i < r->nfields && n < FIELDS_MAX; i++)
		field[n++] = r->field[i];
	buf_init(&body, BODY_MAX);
	if (!buf_add_str(&body, r->why) || !buf_add_byte(&body, '\n'))
		mem_misfit(&body, "an error of ours does not fit");
	if (page == NULL)
		page = &body;
	conn_reply(rq->conn,
	    &(struct reply){
		.status = r->status,
		.field = field,
		.nfields = n,
		.length = page->len,
		.close = !r->keep,
	    },
	    page->data, page->len);
	buf_clear(&body);
}

static void
note(enum log_level level, const char *what, const struct request *rq,
    const char *error)
{
	char peer[REQUEST_PEER_SIZE];
	char *path = request_log_path(rq);

	request_peer(rq, peer);
	LOG(level, what, LOG_UINT("session", conn_id(rq->conn)),
	    LOG_STR("peer", peer), LOG_STR("path", path),
	    LOG_STR("error", error));
	free(path);
}

void
answer_note_failed(const struct request *rq, const char *what, int err)
{
	note(LOG_LVL_ERROR, what, rq, strerror(err));
}

/* A path that means nothing is everyday; one that is in the way is not. */
void
answer_note_missing(const struct request *rq, int err)
{
	if (err == ENOENT || err == ENOTDIR || err == EISDIR)
		return;
	note(LOG_LVL_WARN, "no program", rq,
	    err == EXDEV ? "it lies outside the folder" : strerror(err));
}

void
answer_not_started(struct request *rq, enum ipc_refusal why, int err)
{
	static const struct refusal refusals[] = {
		[IPC_REFUSED_EXEC] = {
			.status = 502,
			.why = "The program could not be started.",
		},
		[IPC_REFUSED_FULL] = {
			.status = 503,
			.why = "Too many programs run already. Try again "
			       "later.",
			.rule = "programs",
			.option = "--maxforks",
			.full = true,
		},
		[IPC_REFUSED_STOPPING] = {
			.status = 503,
			.why = "The server takes no more sessions.",
			.rule = "stopping",
		},
		[IPC_REFUSED_MISSING] = {
			.status = 404,
			.why = "There is no such program.",
		},
	};

	if (why == IPC_REFUSED_EXEC)
		answer_note_failed(rq, "cannot start the program", err);
	else if (why == IPC_REFUSED_MISSING)
		answer_note_missing(rq, err);
	conn_refuse(rq->conn, &refusals[why]);
}

void
answer_too_big(struct conn *c, const struct buf *vars)
{
	static const struct refusal too_big = {
		.status = 431,
		.why = "The request does not fit into an environment.",
		.rule = "environment",
	};
	const struct refusal starved = answer_short("out of memory");

	conn_refuse(c, vars->starved ? &starved : &too_big);
}

struct refusal
answer_short(const char *why)
{
	return (struct refusal){
		.status = 503,
		.why = "The server is short of resources. Try again later.",
		.rule = why,
	};
}

bool
answer_may_start(struct conn *c)
{
	struct refusal r = answer_short("descriptors");
	bool may = engine_may_start(conn_engine(c));

	r.option = "ulimit -Hn";
	if (!may)
		conn_refuse(c, &r);
	return may;
}

static void
hash(const unsigned char *data, size_t len, char out[HASH_TEXT])
{
	unsigned char digest[HASH_LEN];
	unsigned int n;

	if (EVP_Digest(data, len, digest, &n, EVP_sha256(), NULL) != 1)
		bug("no SHA-256");
	base64_put(out, digest, HASH_LEN);
}

/* Nothing but the page's own script and style, and the server it came from. */
static const char *
console_policy(void)
{
	static char policy[512];
	char script[HASH_TEXT], style[HASH_TEXT];

	if (policy[0] != '\0')
		return policy;
	hash(web_console + web_console_script_at, web_console_script_len,
	    script);
	hash(web_console + web_console_style_at, web_console_style_len, style);
	(void)snprintf(policy, sizeof(policy),
	    "default-src 'none'; script-src 'sha256-%s'; "
	    "style-src 'sha256-%s'; connect-src 'self'; base-uri 'none'; "
	    "form-action 'none'; frame-ancestors 'none'",
	    script, style);
	return policy;
}

void
answer_console(struct conn *c)
{
	const struct http1_out field[] = {
		{ "Content-Type", "text/html; charset=utf-8" },
		{ "Content-Security-Policy", console_policy() },
		{ "Referrer-Policy", "no-referrer" },
		{ "Cache-Control", "no-cache" },
	};

	conn_reply(c,
	    &(struct reply){
		.status = 200,
		.field = field,
		.nfields = nitems(field),
		.length = web_console_len,
	    },
	    web_console, web_console_len);
}
