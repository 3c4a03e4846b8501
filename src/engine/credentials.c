#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/credentials.h"
#include "conf/conf.h"
#include "engine/credentials.h"
#include "engine/engine.h"
#include "engine/limits.h"
#include "engine/passwords.h"
#include "engine/refusal.h"
#include "engine/request.h"
#include "engine/route.h"
#include "engine/tokens.h"

enum { CHALLENGE_MAX = 512 };

/* A request whose password the auth worker looks at. */
struct wait {
	struct request *rq; /* kept */
	struct passwords_ask ask;
	char user[CREDENTIALS_USER_MAX + 1];
};

static const struct conf_route *
route_of(const struct request *rq)
{
	return rq->route->conf;
}

/* ------------------------------------------------- answers */

static enum access_verdict
refuse_400(struct request *rq, const char *why, const char *rule)
{
	request_refuse(rq,
	    &(struct refusal){ .status = 400, .why = why, .rule = rule });
	return ACCESS_REFUSED;
}

/* What may be tried instead (RFC 9110, section 11.6.1). */
static enum access_verdict
refuse_401(struct request *rq, const char *why, const char *rule,
    const char *option)
{
	const struct conf_route *r = route_of(rq);
	char basic[CHALLENGE_MAX], bearer[CHALLENGE_MAX];
	struct http1_out field[2];
	size_t n = 0;

	(void)snprintf(basic, sizeof(basic),
	    "Basic realm=\"%s\", charset=\"UTF-8\"", r->realm);
	(void)snprintf(bearer, sizeof(bearer), "Bearer realm=\"%s\"", r->realm);
	if (r->auth_file != NULL)
		field[n++] = (struct http1_out){ "WWW-Authenticate", basic };
	if (r->token_file != NULL)
		field[n++] = (struct http1_out){ "WWW-Authenticate", bearer };
	request_refuse(rq,
	    &(struct refusal){
		.status = 401,
		.why = why,
		.rule = rule,
		.option = option,
		.field = field,
		.nfields = n,
		.keep = true,
	    });
	return ACCESS_REFUSED;
}

static enum access_verdict
refuse_503(struct request *rq)
{
	request_refuse(rq,
	    &(struct refusal){
		.status = 503,
		.why = "Too many passwords are being checked. Try again later.",
		.rule = "passwords under way",
		.keep = true,
	    });
	return ACCESS_REFUSED;
}

static bool
may_log_in(struct request *rq)
{
	struct refusal r;
	bool may = !limits_refuse_login(rq->engine, &rq->client, &r);

	if (!may)
		request_refuse(rq, &r);
	return may;
}

/* An empty name is one that programs need not see. */
static enum access_verdict
admit(struct request *rq, const char *user, const char *type)
{
	if (user[0] != '\0')
		rq->user = mem_strdup(user);
	rq->auth_type = type;
	return ACCESS_NEXT;
}

static enum access_verdict
settle(struct request *rq, const char *user, enum passwords_verdict v)
{
	if (v == PASSWORDS_RIGHT)
		return admit(rq, user, "Basic");
	if (v == PASSWORDS_UNKNOWN)
		return refuse_503(rq);
	limits_failed_login(rq->engine, &rq->client);
	return refuse_401(rq, "That name and password do not belong together.",
	    "wrong password", "--auth-file");
}

/* ------------------------------------------------- passwords */

static void
credentials_on_gone(void *owner)
{
	struct wait *w = owner;

	passwords_leave(&w->ask);
	free(w);
}

/* A body has to wait as well. */
static const struct handler_ops waiting = {
	.on_gone = credentials_on_gone,
};

static void
credentials_on_answer(void *owner, enum passwords_verdict v)
{
	struct wait *w = owner;
	struct request *rq = w->rq;

	request_handle(rq, NULL, NULL);
	if (request_is_over(rq)) {
		free(w);
		return;
	}
	/* too many may have failed since: then not even the right one counts */
	if (may_log_in(rq) && settle(rq, w->user, v) == ACCESS_NEXT)
		request_go_on(rq);
	free(w);
}

static enum access_verdict
check_password(struct request *rq, const struct credentials *c)
{
	struct engine *e = rq->engine;
	struct wait *w = mem_new(1, sizeof(*w));
	enum passwords_verdict v;

	w->rq = rq;
	w->ask.on_answer = credentials_on_answer;
	w->ask.owner = w;
	(void)memcpy(w->user, c->user, sizeof(w->user));
	v = passwords_check(engine_passwords(e),
	    &(struct passwords_login){
		.route = rq->route->index,
		.client = &rq->client,
		.user = c->user,
		.password = c->password,
	    },
	    &w->ask);
	if (v == PASSWORDS_ASKED) {
		request_handle(rq, &waiting, w);
		return ACCESS_WAIT;
	}
	free(w);
	return settle(rq, c->user, v);
}

/* ------------------------------------------------- tokens */

static enum access_verdict
check_token(struct request *rq, const struct credentials *c)
{
	for (size_t i = 0; i < c->ntokens; i++) {
		const char *name = tokens_find(&rq->route->tokens, c->token[i]);

		if (name != NULL)
			return admit(rq, name, "Bearer");
	}
	limits_failed_login(rq->engine, &rq->client);
	return refuse_401(rq, "That token is not known here.", "unknown token",
	    "--token-file");
}

/* ------------------------------------------------- both */

static enum access_verdict
judge(struct request *rq, const struct credentials *c,
    enum credentials_result rc)
{
	/* a browser that offers subprotocols wants one of them back */
	if (rq->upgrade && c->lone_protocol)
		return refuse_400(rq,
		    "Offer a second subprotocol besides bearer.TOKEN: one that"
		    " can be answered.",
		    "lone token");
	if (rc != CREDENTIALS_NONE && !may_log_in(rq))
		return ACCESS_REFUSED;
	switch (rc) {
	case CREDENTIALS_NONE:
		return refuse_401(rq, "Say who you are.", "no credentials",
		    route_of(rq)->auth_file != NULL ? "--auth-file"
						    : "--token-file");
	case CREDENTIALS_BASIC:
		return check_password(rq, c);
	case CREDENTIALS_BEARER:
		return check_token(rq, c);
	default:
		return refuse_400(rq, credentials_strresult(rc),
		    "malformed credentials");
	}
}

enum access_verdict
credentials_check(struct request *rq)
{
	const struct conf_route *r = route_of(rq);
	const struct credentials_ways ways = {
		.basic = r->auth_file != NULL,
		.bearer = r->token_file != NULL,
		.cookie = r->auth_cookie,
		.query = r->auth_query,
	};
	enum credentials_result rc;
	enum access_verdict v;
	struct credentials c;

	if (!ways.basic && !ways.bearer)
		return ACCESS_NEXT;
	rc = credentials_read(&c, &ways, &rq->head, rq->url.query,
	    rq->url.query_len);
	v = judge(rq, &c, rc);
	credentials_wipe(&c);
	return v;
}
