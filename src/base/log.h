/*
 * The log: one line per thing that happened, from the place that decided what
 * to do about it.
 *
 * A line is a level, a short message of ours, and fields: name=value pairs.
 * Values may come from anywhere; they are escaped (text and JSON alike: control
 * bytes and bytes from 0x7f up as \xNN) and cut at LOG_VALUE_MAX. A line leaves
 * in one write(2) and is dropped if that cannot be done: logging never blocks
 * a session and never fails. How many were dropped is a line of its own, before
 * the next that is not. Where several processes write to one pipe, socket or
 * terminal a line has at most 4096 bytes, so that none is mixed into another; of
 * a longer one the end is cut off.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

enum log_level {
	LOG_LVL_NONE = -1, /* of a log that keeps silent; no line has it */
	LOG_LVL_ERROR = 0, /* someone must act */
	LOG_LVL_WARN,      /* someone misbehaved, we coped */
	LOG_LVL_INFO,      /* life cycle */
	LOG_LVL_DEBUG,     /* state changes and decisions */
};

enum log_format { LOG_TEXT = 0, LOG_JSON };

enum { LOG_VALUE_MAX = 4096 }; /* bytes of a value before escaping */

struct log_field {
	const char *name;
	enum log_kind {
		LOG_KIND_STR,   /* borrowed text, NULL is the empty one */
		LOG_KIND_BYTES, /* borrowed bytes, n of them */
		LOG_KIND_UINT,
		LOG_KIND_INT,
		LOG_KIND_MS, /* n milliseconds, written as seconds: 1.042 */
	} kind;
	const void *p;
	uint64_t n;
};

#define LOG_STR(name_, s_)                                       \
	{                                                        \
		.name = (name_), .kind = LOG_KIND_STR, .p = (s_) \
	}
#define LOG_BYTES(name_, p_, n_)                                              \
	{                                                                     \
		.name = (name_), .kind = LOG_KIND_BYTES, .p = (p_), .n = (n_) \
	}
#define LOG_UINT(name_, u_)                                                 \
	{                                                                   \
		.name = (name_), .kind = LOG_KIND_UINT, .n = (uint64_t)(u_) \
	}
#define LOG_INT(name_, i_)                             \
	{                                              \
		.name = (name_), .kind = LOG_KIND_INT, \
		.n = (uint64_t)(int64_t)(i_)           \
	}
#define LOG_MS(name_, ms_)                                       \
	{                                                        \
		.name = (name_), .kind = LOG_KIND_MS, .n = (ms_) \
	}

struct log_conf {
	const char *program; /* kept; the name in raw lines and in syslog */
	enum log_level level;
	enum log_format format;
	bool syslog; /* to syslog(3), facility daemon, instead of stderr */
};

/*
 * Once, in the first of the processes that share standard error: a pipe or a
 * terminal is opened again, so that what we do to it (it does not block) is not
 * done to whoever gave it to us. Where that cannot be had it stays as it is.
 */
void log_own_stderr(void);

/* Before the first call everything from LOG_LVL_INFO up goes to stderr as text. */
void log_init(const struct log_conf *);

/* Whether a line of that level would be written at all. */
bool log_wants(enum log_level);

/* One line with n fields (borrowed). */
void log_fields(enum log_level, const char *msg, const struct log_field *,
    size_t n);

/* LOG(LOG_LVL_INFO, "session ends", LOG_UINT("session", 17), ...), one field or more. */
#define LOG(level, msg, ...)                                              \
	do {                                                              \
		const struct log_field fields_[] = { __VA_ARGS__ };       \
		if (log_wants(level))                                     \
			log_fields(level, msg, fields_, nitems(fields_)); \
	} while (0)

/* One line made by printf(3), for messages without fields. */
void log_error(const char *fmt, ...) attr_printf(1, 2);
void log_warn(const char *fmt, ...) attr_printf(1, 2);
void log_info(const char *fmt, ...) attr_printf(1, 2);
void log_debug(const char *fmt, ...) attr_printf(1, 2);

/*
 * "standpiped: TEXT\n", whatever the level and format: what people wait for. If
 * standard error is full it waits for its turn, at most five seconds; after a
 * line that has waited so long in vain no other one waits.
 */
void log_raw(const char *fmt, ...) attr_printf(1, 2);

/* We are wrong: log and abort. No input from anywhere may reach it. */
void bug(const char *fmt, ...) attr_printf(1, 2) attr_noreturn;

#endif
