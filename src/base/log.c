#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

enum {
	LINE_MAX_BYTES = 32 * 1024,
	LINE_AT_ONCE = 4096, /* that a pipe takes whole or not at all */
	TAIL_BYTES = 8,      /* always room for the quote, brace and newline */
	MESSAGE_MAX = 1024,
	PATIENCE_MS = 5000,
};

/* One line while it is put together; one thread, so one of them. */
struct line {
	char data[LINE_MAX_BYTES];
	size_t len;
};

static struct log_conf conf = {
	.program = "standpiped",
	.level = LOG_LVL_INFO,
	.format = LOG_TEXT,
};
static struct line line;
static mode_t sink;        /* what standard error is; 0: not asked yet */
static uint64_t unwritten; /* lines that it did not take; not told yet */
static bool torn;          /* of the last one it took the beginning alone */
static bool impatient;     /* a raw line has waited in vain */

static const struct {
	const char *name;
	int priority;
} levels[] = {
	[LOG_LVL_ERROR] = { "error", LOG_ERR },
	[LOG_LVL_WARN] = { "warn", LOG_WARNING },
	[LOG_LVL_INFO] = { "info", LOG_INFO },
	[LOG_LVL_DEBUG] = { "debug", LOG_DEBUG },
};

/* Where lines of several processes might be mixed, they are short. */
static size_t
line_max(void)
{
	struct stat st;

	if (sink == 0)
		sink = fstat(STDERR_FILENO, &st) == 0 ? st.st_mode : S_IFREG;
	return conf.syslog || S_ISREG(sink) ? LINE_MAX_BYTES : LINE_AT_ONCE;
}

void
log_own_stderr(void)
{
	struct stat st;
	int own;

	if (fstat(STDERR_FILENO, &st) == -1 ||
	    !(S_ISFIFO(st.st_mode) || isatty(STDERR_FILENO)))
		return;
	own = open("/proc/self/fd/2",
	    O_WRONLY | O_NONBLOCK | O_NOCTTY | O_APPEND | O_CLOEXEC);
	if (own == -1)
		return;
	(void)dup2(own, STDERR_FILENO);
	close(own);
}

/* The connection is made now: a sandbox may come later. */
void
log_init(const struct log_conf *c)
{
	conf = *c;
	sink = 0;
	(void)line_max(); /* this, too, is asked before */
	if (conf.syslog)
		openlog(conf.program, LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

bool
log_wants(enum log_level level)
{
	return level <= conf.level;
}

static bool
put_bytes(struct line *l, const char *p, size_t n, size_t spare)
{
	if (l->len + spare + n > line_max())
		return false;
	memcpy(l->data + l->len, p, n);
	l->len += n;
	return true;
}

/* Ours, short; left out whole where the line is full. */
static bool
put(struct line *l, const char *s)
{
	return put_bytes(l, s, strlen(s), TAIL_BYTES);
}

/* What ends a value or the line; put() leaves room for it. */
static void
put_tail(struct line *l, const char *s)
{
	put_bytes(l, s, strlen(s), 0);
}

/*
 * Bytes from anywhere. Inside quotes the quote and the backslash are escaped;
 * JSON knows no \x, so there the backslash of it is escaped as well.
 */
static void
put_escaped(struct line *l, const char *p, size_t n, bool quoted)
{
	bool json = quoted && conf.format == LOG_JSON;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		char out[8];
		size_t len = 0;

		if (c < 0x20 || c >= 0x7f) {
			if (json)
				out[len++] = '\\';
			out[len++] = '\\';
			out[len++] = 'x';
			str_put_hex(out + len, &c, 1);
			len += 2;
		} else {
			if (quoted && (c == '"' || c == '\\'))
				out[len++] = '\\';
			out[len++] = (char)c;
		}
		if (!put_bytes(l, out, len, TAIL_BYTES))
			return;
	}
}

static bool
needs_quotes(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strchr(" \"\\=", p[i]) != NULL && p[i] != '\0')
			return true;
	}
	return n == 0;
}

static void
put_value(struct line *l, const char *p, size_t n)
{
	bool quotes = conf.format == LOG_JSON || needs_quotes(p, n);

	if (!quotes) {
		put_escaped(l, p, n, false);
	} else if (put(l, "\"")) {
		put_escaped(l, p, n, true);
		put_tail(l, "\"");
	}
}

static void
put_field(struct line *l, const struct log_field *f)
{
	const char *p = f->p == NULL ? "" : f->p;
	char number[32] = "";
	size_t n = 0;

	switch (f->kind) {
	case LOG_KIND_STR:
		n = strnlen(p, LOG_VALUE_MAX);
		break;
	case LOG_KIND_BYTES:
		n = f->n < LOG_VALUE_MAX ? (size_t)f->n : LOG_VALUE_MAX;
		break;
	case LOG_KIND_UINT:
		snprintf(number, sizeof(number), "%" PRIu64, f->n);
		break;
	case LOG_KIND_INT:
		snprintf(number, sizeof(number), "%" PRId64, (int64_t)f->n);
		break;
	case LOG_KIND_MS:
		snprintf(number, sizeof(number), "%" PRIu64 ".%03u",
		    f->n / 1000, (unsigned int)(f->n % 1000));
		break;
	}
	if (number[0] != '\0')
		put(l, number);
	else
		put_value(l, p, n);
}

/*
 * Days since 1970 to a date, counting years from March so that the leap day
 * comes last. gmtime(3) would read time zone files, which a sandbox forbids.
 */
static void
put_time(struct line *l)
{
	struct timespec ts = { 0 };
	int64_t days, era, doe, yoe, doy, mp, year;
	unsigned int sec;
	char out[48];

	clock_gettime(CLOCK_REALTIME, &ts);
	days = ts.tv_sec / 86400 + 719468; /* since 0000-03-01 */
	sec = (unsigned int)(ts.tv_sec % 86400);
	era = days / 146097;
	doe = days % 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	year = era * 400 + yoe + (mp >= 10);
	snprintf(out, sizeof(out), "%04d-%02d-%02dT%02u:%02u:%02u.%03uZ",
	    (int)year, (int)(mp < 10 ? mp + 3 : mp - 9),
	    (int)(doy - (153 * mp + 2) / 5 + 1), sec / 3600, sec / 60 % 60,
	    sec % 60, (unsigned int)(ts.tv_nsec / 1000000));
	put(l, out);
}

static void
put_text(struct line *l, enum log_level level, const char *msg,
    const struct log_field *f, size_t n)
{
	if (!conf.syslog) {
		put_time(l);
		put(l, " ");
		put(l, levels[level].name);
		put(l, " ");
	}
	put_escaped(l, msg, strlen(msg), false);
	for (size_t i = 0; i < n; i++) {
		put(l, " ");
		put(l, f[i].name);
		put(l, "=");
		put_field(l, &f[i]);
	}
}

static void
put_json(struct line *l, enum log_level level, const char *msg,
    const struct log_field *f, size_t n)
{
	const struct log_field process = LOG_INT("process", getpid());
	size_t whole;

	put(l, "{\"time\":\"");
	put_time(l);
	put(l, "\",\"level\":\"");
	put(l, levels[level].name);
	put(l, "\",\"process\":");
	put_field(l, &process);
	put(l, ",\"msg\":");
	put_value(l, msg, strlen(msg));
	for (size_t i = 0; i < n; i++) {
		whole = l->len;
		put(l, ",\"");
		put(l, f[i].name);
		put(l, "\":");
		put_field(l, &f[i]);
		if (l->len < line_max() - 2 * TAIL_BYTES)
			continue;
		/* half an object helps nobody, half a text does */
		if (l->len < whole + strlen(f[i].name) + 2 * TAIL_BYTES)
			l->len = whole;
		break;
	}
	put_tail(l, "}");
}

/* A pipe takes it whole, or not at all. False: the system cannot promise that. */
static bool
write_pipe(char *data, size_t len, ssize_t *n)
{
#ifdef RWF_NOWAIT
	const struct iovec v = { .iov_base = data, .iov_len = len };

	*n = pwritev2(STDERR_FILENO, &v, 1, -1, RWF_NOWAIT);
	return *n != -1 || errno == EAGAIN || errno == EINTR || errno == EPIPE;
#else
	(void)data;
	(void)len;
	*n = -1;
	return false;
#endif
}

/* What it says is good for LINE_AT_ONCE bytes, unless others are faster. */
static ssize_t
write_if_room(const char *data, size_t len)
{
	struct pollfd pfd = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLOUT))
		return write(STDERR_FILENO, data, len);
	errno = EAGAIN;
	return -1;
}

/*
 * Standard error may be a pipe nobody reads or a stopped terminal, and making
 * it non-blocking would do so for whoever shares it: pipes and sockets are asked
 * with the bytes themselves, everything else is asked first. A terminal that is
 * not our own (log_own_stderr()) may have room for less than it said, and waits.
 */
static ssize_t
write_some(char *data, size_t len)
{
	ssize_t n;

	do {
		if (S_ISSOCK(sink))
			n = send(STDERR_FILENO, data, len,
			    MSG_DONTWAIT | MSG_NOSIGNAL);
		else if (!S_ISFIFO(sink) || !write_pipe(data, len, &n))
			n = write_if_room(data, len);
	} while (n == -1 && errno == EINTR);
	return n;
}

static bool
write_now(char *data, size_t len)
{
	ssize_t n = write_some(data, len);

	if (n != -1)
		torn = (size_t)n < len;
	return n == (ssize_t)len;
}

/* Whether nothing is left to be said of lines that were not written. */
static bool
confess(void)
{
	const struct log_field f = LOG_UINT("lines", unwritten);
	static struct line own;

	if (unwritten == 0)
		return true;
	own.len = 0;
	if (torn)
		put_tail(&own, "\n");
	if (conf.format == LOG_JSON)
		put_json(&own, LOG_LVL_WARN, "log was not read", &f, 1);
	else
		put_text(&own, LOG_LVL_WARN, "log was not read", &f, 1);
	put_tail(&own, "\n");
	if (!write_now(own.data, own.len))
		return false;
	unwritten = 0;
	return true;
}

static void
send_line(struct line *l)
{
	if (!confess() || !write_now(l->data, l->len))
		unwritten++;
}

void
log_fields(enum log_level level, const char *msg, const struct log_field *f,
    size_t n)
{
	int kept = errno;

	if (!log_wants(level))
		return;
	line.len = 0;
	if (conf.format == LOG_JSON)
		put_json(&line, level, msg, f, n);
	else
		put_text(&line, level, msg, f, n);
	if (conf.syslog) {
		syslog(levels[level].priority, "%.*s", (int)line.len,
		    line.data);
	} else {
		put_tail(&line, "\n");
		send_line(&line);
	}
	errno = kept;
}

static void log_printf(enum log_level level, const char *fmt, va_list ap)
    attr_printf(2, 0);

static void
log_printf(enum log_level level, const char *fmt, va_list ap)
{
	char msg[MESSAGE_MAX];
	int kept = errno;

	if (!log_wants(level))
		return;
	vsnprintf(msg, sizeof(msg), fmt, ap);
	log_fields(level, msg, NULL, 0);
	errno = kept;
}

void
log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_printf(LOG_LVL_ERROR, fmt, ap);
	va_end(ap);
}

void
log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_printf(LOG_LVL_WARN, fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_printf(LOG_LVL_INFO, fmt, ap);
	va_end(ap);
}

void
log_debug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_printf(LOG_LVL_DEBUG, fmt, ap);
	va_end(ap);
}

/* Until standard error takes more; false: it will not, or not by then. */
static bool
wait_for_room(uint64_t until)
{
	struct pollfd pfd = { .fd = STDERR_FILENO, .events = POLLOUT };
	uint64_t now = clock_ms();

	if (now >= until) {
		impatient = true;
		return false;
	}
	(void)poll(&pfd, 1, (int)(until - now));
	return (pfd.revents & ~POLLOUT) == 0;
}

/* As send_line() does, but waits, once in the life of a process in vain. */
static void
send_patiently(struct line *l)
{
	uint64_t until = clock_ms() + (impatient ? 0 : PATIENCE_MS);
	size_t done = 0;
	ssize_t n;

	while (!confess() && wait_for_room(until))
		continue;
	do {
		n = write_some(l->data + done, l->len - done);
		done += n == -1 ? 0 : (size_t)n;
	} while (done < l->len && wait_for_room(until));
	torn = done > 0 && done < l->len;
	if (done < l->len)
		unwritten++;
}

void
log_raw(const char *fmt, ...)
{
	char msg[MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	line.len = 0;
	put(&line, conf.program);
	put(&line, ": ");
	for (const char *p = msg; *p != '\0'; p++)
		put_bytes(&line, p, 1, TAIL_BYTES);
	put_tail(&line, "\n");
	send_patiently(&line);
}

void
bug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_printf(LOG_LVL_ERROR, fmt, ap);
	va_end(ap);
	abort();
}
