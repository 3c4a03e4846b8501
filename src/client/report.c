#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/mem.h"
#include "client/client_conf.h"
#include "client/facts.h"
#include "client/outcome.h"
#include "client/report.h"
#include "client/tell.h"
#include "codec/json.h"
#include "codec/utf8.h"
#include "dialect/standpipe_v1.h"

enum { JSON_MAX = 256 * 1024, AMOUNT_SIZE = 80 };

static uint64_t
between(uint64_t from, uint64_t to)
{
	return from == 0 || to < from ? 0 : to - from;
}

void
report_connected(const struct client_conf *conf, const struct facts *f)
{
	tell_more(conf, "connected to %s in %" PRIu64 " ms",
	    f->peer[0] == '\0' ? conf->to.at.host : f->peer,
	    between(f->began, f->connected));
}

static void
report_tls(const struct client_conf *conf, const struct facts *f)
{
	if (f->tls[0] != '\0')
		tell_more(conf, "%s", f->tls);
	if (f->subject[0] != '\0')
		tell_more(conf,
		    "certificate of %s, issued by %s, good until %s",
		    f->subject, f->issuer, f->expires);
	if (f->fingerprint[0] != '\0')
		tell_more(conf, "fingerprint %s", f->fingerprint);
}

void
report_open(const struct client_conf *conf, const struct facts *f)
{
	report_tls(conf, f);
	tell_more(conf, "WebSocket is open in %" PRIu64 " ms",
	    between(f->connected, f->opened));
	if (f->protocol[0] != '\0')
		tell_more(conf, "subprotocol %s", f->protocol);
	if (f->extensions[0] != '\0')
		tell_more(conf, "extensions %s", f->extensions);
}

static void
put_amount(char out[AMOUNT_SIZE], uint64_t messages, uint64_t bytes)
{
	(void)snprintf(out, AMOUNT_SIZE,
	    "%" PRIu64 " byte%s in %" PRIu64 " message%s", bytes,
	    bytes == 1 ? "" : "s", messages, messages == 1 ? "" : "s");
}

static void
report_close(const struct client_conf *conf, const struct facts *f)
{
	const char *who = f->closed_by_us ? "us" : "the server";
	char sent[AMOUNT_SIZE], received[AMOUNT_SIZE];

	if (f->code == 0)
		tell_more(conf, "ended without a Close");
	else
		tell_more(conf, "closed by %s with %u%s%s", who, f->code,
		    f->reason[0] == '\0' ? "" : ": ", f->reason);
	put_amount(sent, f->sent, f->sent_bytes);
	put_amount(received, f->received, f->received_bytes);
	tell_more(conf, "sent %s, received %s, in %" PRIu64 " ms", sent,
	    received, between(f->opened, f->over));
	if (f->compressed)
		tell_more(conf,
		    "which were %" PRIu64 " and %" PRIu64 " bytes on their way",
		    f->sent_wire, f->received_wire);
}

/* ------------------------------------------------- JSON */

static void
put_number(struct buf *b, const char *name, uint64_t n)
{
	char text[96];

	(void)snprintf(text, sizeof(text), ",\"%s\":%" PRIu64, name, n);
	(void)buf_add_str(b, text);
}

/* JSON is UTF-8, whatever somebody else has written. */
static void
put_string(struct buf *b, const char *name, const void *text, size_t len)
{
	size_t most = UTF8_REPAIR_GROWTH * len + 2 * UTF8_REPAIR_EXTRA;
	uint8_t *repaired = mem_new(most, 1), *room;
	struct utf8 state = { 0 };

	len = utf8_repair(&state, text, len, repaired);
	len += utf8_repair_end(&state, repaired + len);

	(void)buf_add_str(b, ",\"");
	(void)buf_add_str(b, name);
	(void)buf_add_str(b, "\":\"");
	room = buf_reserve(b, JSON_GROWTH * len + 1);
	if (room != NULL)
		buf_commit(b, json_escape(repaired, len, room));
	free(repaired);
	(void)buf_add_byte(b, '"');
}

/* Nothing, where there is nothing. */
static void
put_text(struct buf *b, const char *name, const char *text)
{
	if (text != NULL && text[0] != '\0')
		put_string(b, name, text, strlen(text));
}

static void
put_handshake(struct buf *b, const struct facts *f)
{
	put_text(b, "peer", f->peer);
	put_text(b, "tls", f->tls);
	put_text(b, "certificate", f->subject);
	put_text(b, "certificate_issuer", f->issuer);
	put_text(b, "certificate_expires", f->expires);
	put_text(b, "certificate_sha256", f->fingerprint);
	if (f->status != 0)
		put_number(b, "status", f->status);
	put_text(b, "location", f->location);
	if (f->answer.len > 0)
		put_string(b, "answer", f->answer.data, f->answer.len);
	put_text(b, "standpipe_protocol", f->v1 ? V1_PROTOCOL : "");
	put_text(b, "subprotocol", f->protocol);
	put_text(b, "extensions", f->extensions);
}

static void
put_session(struct buf *b, const struct facts *f)
{
	if (f->code != 0) {
		put_number(b, "close_code", f->code);
		put_text(b, "close_reason", f->reason);
		put_text(b, "closed_by", f->closed_by_us ? "us" : "server");
	}
	put_number(b, "sent_messages", f->sent);
	put_number(b, "sent_bytes", f->sent_bytes);
	put_number(b, "received_messages", f->received);
	put_number(b, "received_bytes", f->received_bytes);
	if (f->compressed) {
		put_number(b, "sent_wire_bytes", f->sent_wire);
		put_number(b, "received_wire_bytes", f->received_wire);
	}
}

static void
put_times(struct buf *b, const struct facts *f)
{
	if (f->connected != 0)
		put_number(b, "connect_ms", between(f->began, f->connected));
	if (f->opened != 0)
		put_number(b, "handshake_ms", between(f->connected, f->opened));
	put_number(b, "total_ms", between(f->began, f->over));
}

static void
write_all(int fd, const uint8_t *p, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, p, len);
		if (n == -1 && errno != EINTR)
			return;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
}

static void
report_json(const struct client_conf *conf, const struct facts *f,
    const struct outcome *o)
{
	char begin[32];
	struct buf b;

	buf_init(&b, JSON_MAX);
	(void)snprintf(begin, sizeof(begin), "{\"exit\":%d", o->status);
	(void)buf_add_str(&b, begin);
	put_text(&b, "error", o->why);
	put_text(&b, "url", conf->url);
	put_handshake(&b, f);
	put_session(&b, f);
	put_times(&b, f);
	(void)buf_add_str(&b, "}\n");
	write_all((int)conf->json, b.data, b.len);
	buf_clear(&b);
}

/* ------------------------------------------------- the end */

void
report_over(const struct client_conf *conf, const struct facts *f,
    const struct outcome *o)
{
	if (f->opened != 0)
		report_close(conf, f);
	if (conf->json != -1) {
		report_json(conf, f, o);
		return;
	}
	if (o->why[0] == '\0')
		return;
	if (outcome_is_local(o))
		tell(conf, "%s", o->why);
	else
		tell(conf, "%s: %s",
		    f->host[0] == '\0' ? conf->to.at.host : f->host, o->why);
	if (f->answer.len > 0)
		tell_lines(conf, (const char *)f->answer.data, f->answer.len);
}
