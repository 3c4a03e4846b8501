#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/cgi_answer.h"
#include "engine/answer.h"
#include "engine/cgi.h"
#include "engine/engine.h"
#include "engine/program.h"
#include "engine/refusal.h"
#include "engine/reply.h"
#include "engine/request.h"
#include "engine/route.h"
#include "flow/deadlines.h"
#include "flow/endpoint.h"
#include "flow/flow.h"
#include "flow/gather.h"

enum { SLACK = 64 * 1024 }; /* printed after the end, as newlines are */

enum cgi_state {
	CGI_HEAD, /* of the answer: it is awaited, or arrives */
	CGI_BODY,
	CGI_DONE, /* the client has its answer, or nobody wants one */
};

enum cgi_due {
	DUE_HEAD, /* the answer's head is late */
	DUE_COUNT,
};

struct cgi {
	struct engine *engine;     /* kept */
	struct request *rq;        /* kept; NULL: it needs us no longer */
	const struct route *route; /* kept */
	cgi_rest_fn *rest;         /* kept: who answers without a program */
	struct endpoint *endpoint; /* owned; NULL: it has gone */
	uint32_t id;               /* of it, for the log */
	struct cgi_answer answer;
	struct deadlines deadlines;
	uint64_t due[DUE_COUNT];
	uint64_t started;           /* clock_coarse_ms() */
	uint64_t in_bytes;          /* of bodies: to the program */
	uint64_t out_bytes;         /* and to the client */
	uint64_t dropped;           /* printed after the end of the answer */
	char *peer, *method, *path; /* owned; for the log */
	char *user;                 /* as well; NULL: unknown */
	unsigned status;            /* that the client got; 0: none */
	uint8_t state;              /* enum cgi_state */
	bool running;
	bool has_body;
	bool body_ended;
	bool answered; /* as far as announced: more is dropped */
	bool unwanted; /* the output is closed with the next turn */
};

/* ------------------------------------------------- its end */

static void
cgi_free(struct cgi *g)
{
	endpoint_free(g->endpoint);
	deadlines_clear(&g->deadlines);
	cgi_answer_clear(&g->answer);
	free(g->peer);
	free(g->user);
	free(g->method);
	free(g->path);
	free(g);
}

static void
log_end(const struct cgi *g)
{
	char how[ENDED_BRIEF];
	const struct log_field fields[] = { LOG_UINT("session", g->id),
		LOG_STR("peer", g->peer), LOG_STR("method", g->method),
		LOG_STR("path", g->path), LOG_UINT("status", g->status),
		LOG_MS("duration", clock_ms() - g->started),
		LOG_UINT("in_bytes", g->in_bytes),
		LOG_UINT("out_bytes", g->out_bytes), LOG_STR("exit", how),
		endpoint_name(g->endpoint), LOG_STR("user", g->user) };

	endpoint_put_end(g->endpoint, how);
	log_fields(LOG_LVL_INFO, "cgi ends", fields,
	    nitems(fields) - (g->user == NULL));
}

/* From the loop alone, where nothing of ours is in a callback. */
static void
cgi_on_turn(void *owner)
{
	struct cgi *g = owner;

	if (g->unwanted)
		endpoint_close_output(g->endpoint);
	if (g->rq != NULL || !g->endpoint->over)
		return;
	endpoint_read_last(g->endpoint);
	log_end(g);
	cgi_free(g);
}

/* The request goes its own way. */
static struct request *
let_go(struct cgi *g)
{
	struct request *rq = g->rq;

	gather_flush(
	    &engine_flow(g->engine)->to_endpoint); /* what came of its body */
	request_handle(rq, NULL, NULL);
	g->rq = NULL;
	g->state = CGI_DONE;
	deadlines_forget(&g->deadlines, DUE_HEAD);
	deadlines_wake(&g->deadlines);
	return rq;
}

/* What it says or reads is of no use any more. */
static void
send_away(struct cgi *g)
{
	g->unwanted = true;
	endpoint_end_input(g->endpoint);
	endpoint_leave(g->endpoint, 0);
	deadlines_wake(&g->deadlines);
}

/* ------------------------------------------------- the answer */

static void
fail(struct cgi *g, const struct refusal *r)
{
	g->status = r->status;
	request_refuse(let_go(g), r);
	send_away(g);
}

static void
fail_unusable(struct cgi *g, const char *why)
{
	size_t len;
	const char *line = cgi_answer_spoiled(&g->answer, &len);
	static const struct refusal unusable = {
		.status = 502,
		.why = "The program's answer is not usable.",
		.rule = "CGI answer",
	};

	LOG(LOG_LVL_ERROR, "not a CGI answer", LOG_UINT("session", g->id),
	    LOG_STR("path", g->path), LOG_STR("error", why),
	    LOG_BYTES("line", line, len));
	fail(g, &unusable);
}

/* Half an answer must not look like all of it. */
static void
cgi_on_short(void *owner, const char *why)
{
	struct cgi *g = owner;
	const struct refusal r = refusal_short(why);

	if (g->state == CGI_HEAD && g->rq != NULL) {
		fail(g, &r);
		return;
	}
	LOG(LOG_LVL_WARN, "program cannot go on", LOG_UINT("session", g->id),
	    LOG_STR("reason", why));
	if (g->rq != NULL)
		request_abort(let_go(g));
	send_away(g);
}

/*
 * The last byte of the answer is known. What the program still wants to read of
 * the request it gets first, unless it has finished.
 */
static void
check_answered(struct cgi *g)
{
	if (g->rq == NULL || !g->answered)
		return;
	if (!g->body_ended && !g->endpoint->out_ended &&
	    endpoint_input(g->endpoint) != NULL)
		return;
	endpoint_end_input(g->endpoint);
	endpoint_resume(g->endpoint);
	request_reply_end(let_go(g));
}

/* Who prints on and on would never end: SIGPIPE tells him. */
static void
drop(struct cgi *g, size_t len)
{
	g->dropped += len;
	if (g->dropped <= SLACK)
		return;
	g->unwanted = true;
	deadlines_wake(&g->deadlines);
}

static void
give_document(struct cgi *g, const uint8_t *data, size_t len)
{
	const struct cgi_answer *a = &g->answer;
	size_t n = len;

	if (a->has_length && n > a->length - g->out_bytes)
		n = (size_t)(a->length - g->out_bytes);
	if (n > 0)
		request_reply_write(g->rq, data, n);
	drop(g, len - n);
	g->out_bytes += n;
	g->answered |= a->has_length && g->out_bytes == a->length;
	if (request_queued(g->rq) > 0)
		endpoint_pause(g->endpoint);
}

/* A local redirect is one for the client, too: it may look at it again. */
static void
start_answer(struct cgi *g)
{
	const struct cgi_answer *a = &g->answer;

	g->state = CGI_BODY;
	g->status = a->status;
	g->answered = a->status == 204 || a->status == 304 ||
	    http1_method_is(&g->rq->head, "HEAD");
	deadlines_forget(&g->deadlines, DUE_HEAD);
	request_reply_start(g->rq,
	    &(struct reply){
		.status = a->status,
		.reason = a->reason,
		.field = a->field,
		.nfields = a->nfields,
		.length = a->has_length ? a->length : REPLY_UNKNOWN,
		.logged = true,
	    });
}

static void
take_output(struct cgi *g, const uint8_t *data, size_t len)
{
	enum cgi_answer_result rc;
	size_t used = 0;

	if (g->state == CGI_HEAD) {
		rc = cgi_answer_read(&g->answer, data, len, &used);
		if (rc == CGI_ANSWER_MORE)
			return;
		if (rc < 0) {
			fail_unusable(g, cgi_answer_strresult(rc));
			return;
		}
		start_answer(g);
	}
	if (g->answered)
		drop(g, len - used);
	else
		give_document(g, data + used, len - used);
	request_reply_flush(g->rq);
	check_answered(g);
}

/* ------------------------------------------------- what the program does */

static void
cgi_on_output(void *owner, const uint8_t *data, size_t len)
{
	struct cgi *g = owner;

	if (g->state == CGI_DONE)
		drop(g, len);
	else if (!g->unwanted)
		take_output(g, data, len);
}

static void
cgi_on_output_end(void *owner)
{
	struct cgi *g = owner;

	if (g->state == CGI_HEAD) {
		fail_unusable(g, "it ended before its head was complete");
	} else if (g->state == CGI_BODY) {
		g->answered = true;
		check_answered(g);
	}
	deadlines_wake(&g->deadlines);
}

/* While the program waits for the client it cannot be late. */
static void
await_head(struct cgi *g)
{
	uint64_t ms = g->route->conf->cgi_timeout;

	if (g->state != CGI_HEAD || ms == 0)
		return;
	if (g->body_ended || endpoint_is_full(g->endpoint))
		deadlines_set(&g->deadlines, DUE_HEAD, ms);
	else
		deadlines_forget(&g->deadlines, DUE_HEAD);
}

/* It has read what was there, or will read no more: then the rest is dropped. */
static void
cgi_on_input_drain(void *owner)
{
	struct cgi *g = owner;

	if (g->rq == NULL || g->body_ended)
		return;
	request_read_body(g->rq);
	await_head(g);
	check_answered(g);
}

/* ------------------------------------------------- what the client does */

static void
cgi_on_body(void *owner, const uint8_t *data, size_t len)
{
	struct cgi *g = owner;
	struct stream *in = endpoint_input(g->endpoint);

	if (in == NULL)
		return;
	g->in_bytes += len;
	gather_add(&engine_flow(g->engine)->to_endpoint, in, data, len);
}

static void
cgi_on_body_batch(void *owner)
{
	struct cgi *g = owner;

	if (!g->running || g->body_ended)
		return;
	gather_flush(&engine_flow(g->engine)->to_endpoint);
	if (endpoint_is_full(g->endpoint))
		request_pause_body(g->rq);
	await_head(g);
}

static void
cgi_on_body_end(void *owner)
{
	struct cgi *g = owner;

	g->body_ended = true;
	endpoint_end_input(g->endpoint);
	await_head(g);
	check_answered(g);
}

static void
cgi_on_drain(void *owner)
{
	struct cgi *g = owner;

	if (!g->running)
		return;
	endpoint_resume(g->endpoint);
}

static void
cgi_on_gone(void *owner)
{
	struct cgi *g = owner;

	(void)let_go(g);
	if (g->running)
		send_away(g);
	else
		cgi_free(g);
}

static const struct handler_ops cgi_handler = {
	.on_body = cgi_on_body,
	.on_body_batch = cgi_on_body_batch,
	.on_body_end = cgi_on_body_end,
	.on_drain = cgi_on_drain,
	.on_gone = cgi_on_gone,
};

/* ------------------------------------------------- time */

static void
fail_late(struct cgi *g)
{
	static const struct refusal late = {
		.status = 504,
		.why = "The program did not answer in time.",
		.rule = "CGI time",
		.option = "--cgi-timeout",
	};

	fail(g, &late);
}

static void
cgi_on_due(void *owner, size_t which)
{
	(void)which;
	fail_late(owner);
}

static const struct deadlines_ops cgi_deadlines = {
	.on_due = cgi_on_due,
	.on_turn = cgi_on_turn,
};

/* ------------------------------------------------- its beginning */

static void
cgi_on_open(void *owner)
{
	struct cgi *g = owner;

	g->running = true;
	endpoint_read_stderr(g->endpoint);
	endpoint_resume(g->endpoint);
	await_head(g);
	if (g->has_body)
		request_read_body(g->rq);
	else
		endpoint_end_input(g->endpoint);
}

static void
cgi_on_refused(void *owner, enum ipc_refusal why, int err)
{
	struct cgi *g = owner;
	struct request *rq = let_go(g);
	cgi_rest_fn *rest = g->rest;

	g->endpoint = NULL;
	cgi_free(g);
	if (why == IPC_REFUSED_MISSING && !request_is_over(rq)) {
		answer_note_missing(rq, err);
		rest(rq);
	} else {
		answer_not_started(rq, why, err);
	}
}

/* Who is being answered has until the connection's own time is up. */
static void
cgi_on_over(void *owner)
{
	struct cgi *g = owner;

	deadlines_wake(&g->deadlines);
}

static void
cgi_on_drop(void *owner)
{
	struct cgi *g = owner;

	if (g->rq != NULL)
		request_handle(g->rq, NULL, NULL);
	cgi_free(g);
}

static const struct endpoint_ops cgi_endpoint = {
	.on_open = cgi_on_open,
	.on_refused = cgi_on_refused,
	.on_output = cgi_on_output,
	.on_output_end = cgi_on_output_end,
	.on_input_drain = cgi_on_input_drain,
	.on_short = cgi_on_short,
	.on_over = cgi_on_over,
	.on_drop = cgi_on_drop,
};

static struct cgi *
cgi_new(struct request *rq, cgi_rest_fn *rest)
{
	struct cgi *g = mem_new(1, sizeof(*g));
	const struct http1_head *head = &rq->head;
	char peer[REQUEST_PEER_SIZE];

	request_peer(rq, peer);
	*g = (struct cgi){
		.engine = rq->engine,
		.rq = rq,
		.id = engine_new_id(rq->engine),
		.route = rq->route,
		.rest = rest,
		.started = rq->started,
		.peer = mem_strdup(peer),
		.user = rq->user == NULL ? NULL : mem_strdup(rq->user),
		.method = request_log_method(rq),
		.path = request_log_path(rq),
		.has_body = head->body == HTTP1_BODY_CHUNKED ||
		    (head->body == HTTP1_BODY_LENGTH && head->length > 0),
	};
	g->body_ended = !g->has_body;
	cgi_answer_init(&g->answer);
	deadlines_init(&g->deadlines, engine_flow(g->engine), g->due, DUE_COUNT,
	    &cgi_deadlines, g);
	return g;
}

void
cgi_start(struct request *rq, cgi_rest_fn *rest)
{
	static const struct request_program pr = {
		.found = true,
		.body = true,
	};
	struct buf vars;
	struct cgi *g;
	size_t len;
	char *path = request_program_path(rq, &len);

	buf_init(&vars, PROGRAM_VARS_MAX);
	if (path == NULL) {
		rest(rq);
	} else if (!request_put_vars(rq, &pr, &vars)) {
		answer_too_big(rq, &vars);
	} else if (answer_may_start(rq)) {
		g = cgi_new(rq, rest);
		request_handle(rq, &cgi_handler, g);
		g->endpoint = program_open(g->engine,
		    &(struct program_wish){
			.route = g->route,
			.part = IPC_PART_CGI,
			.path = path,
			.path_len = len,
			.vars = &vars,
			.id = g->id,
		    },
		    &cgi_endpoint, g);
	}
	buf_wipe(&vars);
	free(path);
}
