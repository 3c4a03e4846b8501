#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/base.h"
#include "base/log.h"
#include "codec/base64.h"
#include "engine/answer.h"
#include "engine/engine.h"
#include "engine/refusal.h"
#include "engine/reply.h"
#include "engine/request.h"
#include "web/web.h"

enum {
	HASH_LEN = 32,
	HASH_TEXT = BASE64_SIZE(HASH_LEN),
};

static void
note(enum log_level level, const char *what, const struct request *rq,
    const char *error)
{
	char peer[REQUEST_PEER_SIZE];
	char *path = request_log_path(rq);

	request_peer(rq, peer);
	LOG(level, what, LOG_UINT("session", rq->id), LOG_STR("peer", peer),
	    LOG_STR("path", path), LOG_STR("error", error));
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
	request_refuse(rq, &refusals[why]);
}

void
answer_too_big(struct request *rq, const struct buf *vars)
{
	static const struct refusal too_big = {
		.status = 431,
		.why = "The request does not fit into an environment.",
		.rule = "environment",
	};
	const struct refusal starved = refusal_short("out of memory");

	request_refuse(rq, vars->starved ? &starved : &too_big);
}

static bool
refuse_unless(struct request *rq, bool room, const char *what,
    const char *option)
{
	struct refusal r = refusal_short(what);

	r.option = option;
	if (!room)
		request_refuse(rq, &r);
	return room;
}

static bool
has_descriptors(struct request *rq, bool room)
{
	return refuse_unless(rq, room, "descriptors", "ulimit -Hn");
}

bool
answer_may_start(struct request *rq)
{
	return has_descriptors(rq, engine_may_start(rq->engine)) &&
	    refuse_unless(rq, engine_may_ask(rq->engine),
		"programs to be started", NULL);
}

bool
answer_may_open(struct request *rq)
{
	return has_descriptors(rq, engine_may_open(rq->engine));
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
answer_console(struct request *rq)
{
	const struct http1_out field[] = {
		{ "Content-Type", "text/html; charset=utf-8" },
		{ "Content-Security-Policy", console_policy() },
		{ "Referrer-Policy", "no-referrer" },
		{ "Cache-Control", "no-cache" },
	};

	request_reply(rq,
	    &(struct reply){
		.status = 200,
		.field = field,
		.nfields = nitems(field),
		.length = web_console_len,
	    },
	    web_console, web_console_len);
}
