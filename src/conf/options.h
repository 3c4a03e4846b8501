/*
 * The one option table: what can be set, of which type, within which limits,
 * to what by default, and what --help says about it.
 *
 * The command line (conf/cmdline.c), --help (conf/help.c), the defaults
 * (conf/conf.c), the bytes for the engine (conf/wire.c) and the manual's check
 * (tests/lint/check-options, through --help) all come from it.
 */
#ifndef CONF_OPTIONS_H
#define CONF_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"

enum option_type {
	OPT_BOOL,     /* bool: true false yes no 1 0 */
	OPT_UINT,     /* uint64_t: decimal; the word `zero` stands for 0 */
	OPT_SIZE,     /* uint64_t: str_size() */
	OPT_DURATION, /* uint64_t: str_duration() */
	OPT_MODE,     /* uint64_t: octal */
	OPT_FD,       /* int64_t: a descriptor */
	OPT_ENUM,     /* int: one of `words` */
	OPT_STRING,   /* char *: not empty */
	OPT_LIST,     /* struct conf_list: repeatable, one item each */
	OPT_COMMAS,   /* struct conf_list: repeatable and comma-separated */
	OPT_LADDER,   /* struct conf_ladder: ladder_read() */
};

enum option_scope { SCOPE_DAEMON, SCOPE_ROUTE };

/* Headings of --help, in its order; the table's rows stand in this order too. */
enum option_group {
	GROUP_LISTEN,
	GROUP_TLS,
	GROUP_SESSION,
	GROUP_PAGES,
	GROUP_TIMES,
	GROUP_COMMAND,
	GROUP_ACCESS,
	GROUP_DAEMON,
	GROUP_SYNONYM,
	GROUP_COUNT,
};

struct option_word {
	const char *name; /* NULL ends the list */
	int value;
	bool synonym; /* taken, but not offered */
};

struct option {
	const char *name; /* without dashes; NULL ends the table */
	enum option_type type;
	enum option_scope scope;
	enum option_group group;
	bool engine;            /* the engine needs it too */
	bool secret;            /* but of this text only whether it is set */
	size_t field;           /* in struct conf */
	size_t given;           /* a bool in struct conf to set; 0: none */
	const char *dflt;       /* as it would be written; NULL: unset */
	const char *websocketd; /* under --compat=websocketd; NULL: the same */
	uint64_t min, max;      /* of the numbers; max 0: no limit */
	const char *zero;       /* OPT_UINT: a word for 0 */
	const char *bare;       /* the value it has without one; NULL: none */
	const struct option_word *words;
	const char *metavar;
	const char *help;

	/* Items and strings: gives the canonical text, NULL if it is none. */
	char *(*item)(const char *);
	const char *wanted; /* and what to say then */

	/* A synonym: what to do instead of setting a field. */
	void (*apply)(struct conf *, uint64_t value);
};

extern const struct option options[];

/* The row of that name (len bytes), or NULL; abbreviations are no names. */
const struct option *option_find(const char *name, size_t len);

/* The name most like it, or NULL if none is close. */
const char *option_nearest(const char *name, size_t len);

#endif
