#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/str.h"
#include "client/client_conf.h"
#include "client/facts.h"
#include "client/outcome.h"
#include "client/report.h"
#include "client/report_json.h"
#include "client/tell.h"
#include "dialect/standpipe_v1.h"

enum { AMOUNT_SIZE = 80 };

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
	if (!f->v1 && client_conf_v1_offer(conf) != V1_NOT_OFFERED)
		tell_more(conf, "%s was offered and not answered%s",
		    V1_PROTOCOL,
		    conf->framing == FRAMING_BINARY
			? ": what becomes of bytes is up to the server"
			: "");
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
put_count(struct report_json *l, const char *name, uint64_t n)
{
	report_json_number(l, name, (int64_t)n);
}

static void
put_handshake(struct report_json *l, const struct facts *f)
{
	report_json_text(l, "peer", f->peer);
	report_json_text(l, "tls", f->tls);
	report_json_text(l, "certificate", f->subject);
	report_json_text(l, "certificate_issuer", f->issuer);
	report_json_text(l, "certificate_expires", f->expires);
	report_json_text(l, "certificate_sha256", f->fingerprint);
	if (f->status != 0)
		put_count(l, "status", f->status);
	report_json_text(l, "location", f->location);
	if (f->answer.len > 0)
		report_json_bytes(l, "answer", f->answer.data, f->answer.len);
	report_json_text(l, "standpipe_protocol", f->v1 ? V1_PROTOCOL : "");
	report_json_text(l, "subprotocol", f->protocol);
	report_json_text(l, "extensions", f->extensions);
}

static void
put_session(struct report_json *l, const struct facts *f)
{
	if (f->code != 0) {
		put_count(l, "close_code", f->code);
		report_json_text(l, "close_reason", f->reason);
		report_json_text(l, "closed_by",
		    f->closed_by_us ? "us" : "server");
	}
	put_count(l, "sent_messages", f->sent);
	put_count(l, "sent_bytes", f->sent_bytes);
	put_count(l, "received_messages", f->received);
	put_count(l, "received_bytes", f->received_bytes);
	if (f->compressed) {
		put_count(l, "sent_wire_bytes", f->sent_wire);
		put_count(l, "received_wire_bytes", f->received_wire);
	}
}

static void
put_times(struct report_json *l, const struct facts *f)
{
	if (f->connected != 0)
		put_count(l, "connect_ms", between(f->began, f->connected));
	if (f->opened != 0)
		put_count(l, "handshake_ms", between(f->connected, f->opened));
	put_count(l, "total_ms", between(f->began, f->over));
}

/* Whoever shares the descriptor may have set it to be non-blocking. */
static void
write_all(int fd, const uint8_t *p, size_t len)
{
	struct pollfd ready = { .fd = fd, .events = POLLOUT };
	ssize_t n;

	while (len > 0) {
		n = write(fd, p, len);
		if (n == -1 && errno == EAGAIN)
			(void)poll(&ready, 1, -1);
		else if (n == -1 && errno != EINTR)
			return;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
}

static void
put_json(const struct client_conf *conf, const struct facts *f,
    const struct outcome *o)
{
	struct report_json line, *l = &line;

	report_json_init(l);
	report_json_number(l, "exit", o->status);
	if (o->signal != 0)
		report_json_text(l, "signal", str_signal_name(o->signal));
	report_json_text(l, "error", o->why);
	report_json_text(l, "url", conf->url);
	put_handshake(l, f);
	put_session(l, f);
	put_times(l, f);
	report_json_end(l);
	write_all((int)conf->json, l->text.data, l->text.len);
	report_json_clear(l);
}

/* ------------------------------------------------- the end */

void
report_over(const struct client_conf *conf, const struct facts *f,
    const struct outcome *o)
{
	if (f->opened != 0)
		report_close(conf, f);
	if (conf->json != -1) {
		put_json(conf, f, o);
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
