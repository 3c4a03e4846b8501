#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/cgi_answer.h"
#include "conf/conf.h"
#include "engine/answer.h"
#include "engine/engine.h"
#include "engine/farewell.h"
#include "engine/gate.h"
#include "engine/program.h"
#include "engine/refusal.h"
#include "engine/reply.h"
#include "engine/request.h"
#include "engine/route.h"
#include "flow/deadlines.h"
#include "flow/endpoint.h"
#include "flow/flow.h"
#include "ipc/ipc_vars.h"

enum {
	OUTPUT_MAX = 64 * 1024,
	VARS_MAX = 64,    /* that a gate may set */
	VALUE_MAX = 4096, /* bytes of one of them */
};

struct gate {
	struct request *rq;             /* kept: it may go before us */
	const struct conf_route *route; /* kept: that does not */
	struct endpoint *endpoint;      /* owned; NULL: it has gone */
	uint32_t id;                    /* of it, for the log */
	struct buf output;
	struct deadlines deadlines;
	uint64_t due[1];
	bool flooded;         /* it printed too much */
	const char *shortage; /* of ours, static; NULL: none */
	bool late;
};

static void
gate_free(struct gate *g)
{
	endpoint_free(g->endpoint);
	deadlines_clear(&g->deadlines);
	buf_clear(&g->output);
	free(g);
}

/* The request is somebody else's from here on. */
static struct request *
let_go(struct gate *g)
{
	struct request *rq = g->rq;

	request_handle(rq, NULL, NULL);
	gate_free(g);
	return rq;
}

/* ------------------------------------------------- nobody knows */

static void
fail(struct gate *g, const char *rule, const char *option)
{
	struct request *rq = let_go(g);

	request_refuse(rq,
	    &(struct refusal){
		.status = 503,
		.why = "Nobody can say whether you may come in. Try again "
		       "later.",
		.rule = rule,
		.option = option,
	    });
}

/* ------------------------------------------------- it lets in */

/* Whether the request has a variable of that name and '=' from us already. */
static bool
has_var(const struct buf *vars, const char *name, size_t len)
{
	for (size_t at = 0; at < vars->len;) {
		const char *p = (const char *)vars->data + at;

		if (strncmp(p, name, len) == 0 && p[len] == '=')
			return true;
		at += strlen(p) + 1;
	}
	return false;
}

static bool
is_clean(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return false;
	return len <= VALUE_MAX;
}

static void
set_user(struct request *rq, const char *value, size_t len)
{
	free(rq->user);
	rq->user = mem_strndup(value, len);
	if (rq->auth_type == NULL)
		rq->auth_type = "Gate";
}

static bool
add_var(struct request *rq, const char *line, size_t len)
{
	size_t before = rq->vars.len;

	if (buf_add(&rq->vars, line, len) && buf_add_byte(&rq->vars, '\0'))
		return true;
	rq->vars.len = before;
	return false;
}

/* Why a line sets no variable, or NULL: it does. */
static const char *
take_line(const struct gate *g, const char *line, size_t len)
{
	static const char user[] = "REMOTE_USER";
	const struct conf_list *listed = &g->route->gate_vars;
	const char *value = memchr(line, '=', len);
	struct request *rq = g->rq;
	size_t name;

	if (value == NULL)
		return "it is not NAME=value";
	name = (size_t)(value++ - line);
	len -= name + 1;
	if (!ipc_gate_var_allowed(line, name, listed->v, listed->n))
		return "--gate-vars does not allow it";
	if (!is_clean(value, len))
		return "its value is too long or holds control characters";
	if (name == sizeof(user) - 1 && memcmp(line, user, name) == 0) {
		set_user(rq, value, len);
		return NULL;
	}
	/* what the client can set is not told apart from what the gate did */
	if (ipc_var_allowed(line, name))
		return "it is one of the request's own";
	if (has_var(&rq->vars, line, name))
		return "it is there already";
	return add_var(rq, line, name + 1 + len) ? NULL : "there is no room";
}

/* The name alone: the value may be a secret. */
static void
log_dropped(const struct gate *g, const char *line, size_t len, const char *why)
{
	const char *value = memchr(line, '=', len);

	LOG(LOG_LVL_WARN, "line of the gate dropped",
	    LOG_UINT("session", g->id),
	    LOG_BYTES("name", line, value == NULL ? 0 : (size_t)(value - line)),
	    LOG_STR("reason", why));
}

static void
take_vars(const struct gate *g)
{
	const char *s = (const char *)g->output.data;
	size_t left = g->output.len, len, next;
	const char *why;

	for (size_t n = 0; left > 0; s += next, left -= next) {
		const char *eol = memchr(s, '\n', left);

		len = eol == NULL ? left : (size_t)(eol - s);
		next = eol == NULL ? left : len + 1;
		if (len > 0 && s[len - 1] == '\r')
			len--;
		if (len == 0)
			continue;
		why = n++ < VARS_MAX ? take_line(g, s, len)
				     : "there are too many";
		if (why != NULL)
			log_dropped(g, s, len, why);
	}
}

/* ------------------------------------------------- it does not */

/*
 * Read what the gate printed as an answer; how many bytes of it are before the
 * document. A head is complete without its empty line if nothing follows.
 */
static bool
read_answer(const struct gate *g, struct cgi_answer *a, size_t *used)
{
	static const uint8_t end[] = "\n\n";
	enum cgi_answer_result rc;
	const char *line;
	size_t n;

	rc = cgi_answer_read(a, g->output.data, g->output.len, used);
	for (size_t i = 0; i < 2 && rc == CGI_ANSWER_MORE; i++)
		rc = cgi_answer_read(a, end, 1, &n);
	if (rc == CGI_ANSWER_DONE)
		return true;
	line = cgi_answer_spoiled(a, &n);
	LOG(LOG_LVL_ERROR, "the gate's answer is not a CGI answer",
	    LOG_UINT("session", g->id),
	    LOG_STR("error", cgi_answer_strresult(rc)),
	    LOG_BYTES("line", line, n));
	return false;
}

static void
pass_on(struct gate *g, const struct refusal *r, const struct cgi_answer *a,
    size_t used)
{
	struct request *rq = g->rq;

	request_note_refusal(rq, r);
	request_handle(rq, NULL, NULL);
	request_reply(rq,
	    &(struct reply){
		.status = r->status,
		.reason = r->status == a->status ? a->reason : NULL,
		.field = a->field,
		.nfields = a->nfields,
		.length = g->output.len - used,
	    },
	    g->output.data + used, g->output.len - used);
	gate_free(g);
}

/* It has said no, so success is none; 204 and 304 would have no document. */
static unsigned
refusing_status(unsigned status)
{
	return status < 300 || status == 304 ? 403 : status;
}

static void
refuse(struct gate *g)
{
	struct refusal r = {
		.status = 403,
		.why = "The gate does not let you in.",
		.rule = "gate",
		.option = "--gate",
		.keep = true,
	};
	struct cgi_answer a;
	size_t used = 0;
	bool usable;

	cgi_answer_init(&a);
	usable = g->output.len > 0 && read_answer(g, &a, &used);
	if (usable)
		r.status = refusing_status(a.status);
	if (usable && !farewell_suits(g->rq, r.status))
		pass_on(g, &r, &a, used);
	else
		request_refuse(let_go(g), &r);
	cgi_answer_clear(&a);
}

/* ------------------------------------------------- its end */

static void
decide(struct gate *g)
{
	const struct endpoint *e = g->endpoint;
	struct request *rq;

	if (!e->exited || !e->out_ended)
		return;
	endpoint_read_last(g->endpoint);
	if (request_is_over(g->rq)) {
		(void)let_go(g);
	} else if (g->flooded) {
		fail(g, "gate's output", NULL);
	} else if (e->ended.signal != 0) {
		fail(g, "gate killed", NULL);
	} else if (e->ended.status != 0) {
		refuse(g);
	} else {
		take_vars(g);
		rq = let_go(g);
		request_go_on(rq);
	}
}

static void
gate_on_due(void *owner, size_t which)
{
	struct gate *g = owner;

	(void)which;
	g->late = true;
}

/* From the loop alone, where nothing of ours is in a callback. */
static void
gate_on_turn(void *owner)
{
	struct gate *g = owner;

	if (g->shortage != NULL)
		fail(g, g->shortage, NULL);
	else if (g->late)
		fail(g, "gate's time", "--gate-timeout");
	else
		decide(g);
}

static const struct deadlines_ops gate_deadlines = {
	.on_due = gate_on_due,
	.on_turn = gate_on_turn,
};

static void
gate_on_output(void *owner, const uint8_t *data, size_t len)
{
	struct gate *g = owner;

	if (!buf_add(&g->output, data, len))
		g->flooded = true; /* and read on: it shall come to its end */
}

static void
gate_on_output_end(void *owner)
{
	struct gate *g = owner;

	deadlines_wake(&g->deadlines);
}

static void
gate_on_input_drain(void *owner)
{
	(void)owner;
}

static void
gate_on_short(void *owner, const char *why)
{
	struct gate *g = owner;

	g->shortage = why;
	deadlines_wake(&g->deadlines);
}

/* ------------------------------------------------- the program */

static void
gate_on_open(void *owner)
{
	struct gate *g = owner;

	endpoint_end_input(g->endpoint);
	endpoint_read_stderr(g->endpoint);
	endpoint_resume(g->endpoint);
}

static void
gate_on_refused(void *owner, enum ipc_refusal why, int err)
{
	struct gate *g = owner;

	if (why == IPC_REFUSED_EXEC)
		answer_note_failed(g->rq, "cannot start the gate", err);
	g->endpoint = NULL;
	if (why == IPC_REFUSED_FULL)
		fail(g, "programs", "--maxforks");
	else
		fail(g, why == IPC_REFUSED_EXEC ? "gate" : "stopping", NULL);
}

/* If it may live on, who waits has until the connection's own time is up. */
static void
gate_on_over(void *owner)
{
	struct gate *g = owner;

	deadlines_wake(&g->deadlines);
}

static void
gate_on_drop(void *owner)
{
	(void)let_go(owner);
}

static const struct endpoint_ops gate_endpoint = {
	.on_open = gate_on_open,
	.on_refused = gate_on_refused,
	.on_output = gate_on_output,
	.on_output_end = gate_on_output_end,
	.on_input_drain = gate_on_input_drain,
	.on_short = gate_on_short,
	.on_over = gate_on_over,
	.on_drop = gate_on_drop,
};

/* ------------------------------------------------- the beginning */

static void
gate_on_gone(void *owner)
{
	gate_free(owner);
}

/* A body waits as well: the gate has nothing to read. */
static const struct handler_ops gate_handler = {
	.on_gone = gate_on_gone,
};

static void
start(struct request *rq, const struct buf *vars)
{
	struct engine *e = rq->engine;
	struct gate *g = mem_new(1, sizeof(*g));

	g->rq = rq;
	g->route = rq->route->conf;
	g->id = engine_new_id(e);
	buf_init(&g->output, OUTPUT_MAX);
	deadlines_init(&g->deadlines, engine_flow(e), g->due, nitems(g->due),
	    &gate_deadlines, g);
	deadlines_set(&g->deadlines, 0, g->route->gate_timeout);
	request_handle(rq, &gate_handler, g);
	g->endpoint = program_open(e,
	    &(struct program_wish){
		.route = rq->route,
		.part = IPC_PART_GATE,
		.vars = vars,
		.id = g->id,
	    },
	    &gate_endpoint, g);
}

enum access_verdict
gate_check(struct request *rq)
{
	static const struct request_program pr = { .framing = NULL };
	enum access_verdict v = ACCESS_WAIT;
	struct buf vars;

	if (rq->route->conf->gate == NULL)
		return ACCESS_NEXT;
	if (!answer_may_start(rq))
		return ACCESS_REFUSED;
	buf_init(&vars, PROGRAM_VARS_MAX);
	if (request_put_vars(rq, &pr, &vars)) {
		start(rq, &vars);
	} else {
		answer_too_big(rq, &vars);
		v = ACCESS_REFUSED;
	}
	buf_wipe(&vars);
	return v;
}
