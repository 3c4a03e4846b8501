#include "base/base.h"
#include "base/clock.h"
#include "base/rate.h"
#include "flow/complaints.h"

enum {
	SECOND = 1000 * 1000,
	ORDINARY = 128, /* bytes of a line; a longer one is as several */
	STEP = 5000,    /* of one program: 200 lines a second */
	BURST = 3000,
	STEP_OF_ALL = 400, /* 2500 lines a second, which is at most 2 MB */
	BURST_OF_ALL = 2500,
	BURST_AT_LEAST = 100, /* of one process: a program's last words */
	PIECE = 3500, /* bytes that a line of the log has room for, escaped */
};

void
complaints_share_init(struct complaints_share *s, unsigned processes)
{
	uint64_t burst = BURST_OF_ALL / processes;

	*s = (struct complaints_share){
		.step = (uint64_t)STEP_OF_ALL * processes,
		.burst = burst > BURST_AT_LEAST ? burst : BURST_AT_LEAST,
	};
}

static bool
is_early(const struct complaints *c, const struct complaints_share *s,
    uint64_t now)
{
	return now < c->silence || rate_early(c->till, now, STEP, BURST) > 0 ||
	    rate_early(s->till, now, s->step, s->burst) > 0;
}

/* Say what was dropped. */
static void
report(struct complaints *c, const struct complainer *who)
{
	if (c->lines == 0)
		return;
	LOG(LOG_LVL_WARN, "standard error dropped",
	    LOG_UINT("session", who->session), LOG_INT("pid", who->pid),
	    LOG_UINT("lines", c->lines), LOG_UINT("bytes", c->bytes));
	c->lines = c->bytes = 0;
}

static void
drop(struct complaints *c, uint64_t now, size_t len)
{
	if (c->lines == 0)
		c->silence = now + SECOND;
	c->lines++;
	c->bytes += len + 1;
}

/* As much of it as a line of the log has room for. */
static size_t
piece(const uint8_t *line, size_t len)
{
	size_t room = PIECE, n = 0, need;

	for (; n < len; n++, room -= need) {
		bool plain = line[n] >= 0x20 && line[n] < 0x7f;

		need = !plain                           ? sizeof("\\\\xNN") - 1
		    : line[n] == '"' || line[n] == '\\' ? 2
							: 1;
		if (need > room)
			break;
	}
	return n;
}

static void
give(const struct complainer *who, const uint8_t *line, size_t len)
{
	size_t n;

	do {
		n = piece(line, len);
		LOG(who->level, "stderr", LOG_UINT("session", who->session),
		    LOG_INT("pid", who->pid), LOG_BYTES("text", line, n));
		line += n;
		len -= n;
	} while (len > 0);
}

void
complaints_take(struct complaints *c, struct complaints_share *s,
    const struct complainer *who, const uint8_t *line, size_t len)
{
	uint64_t now = clock_coarse_ms() * 1000, cost = 1 + len / ORDINARY;

	if (!log_wants(who->level))
		return;
	if (is_early(c, s, now)) {
		drop(c, now, len);
		return;
	}
	report(c, who);
	c->till = rate_count(c->till, now, STEP * cost);
	s->till = rate_count(s->till, now, s->step * cost);
	give(who, line, len);
}

void
complaints_end(struct complaints *c, const struct complainer *who)
{
	report(c, who);
}
