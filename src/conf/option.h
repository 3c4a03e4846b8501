/*
 * What a table of options is: what can be set, of which type, within which
 * limits, to what by default, and what --help says about it.
 *
 * There are two tables: the daemon's (conf/options.c, into a struct conf) and
 * the client's (client/client_options.c, into a struct client_conf). The
 * command line (conf/reader.c), --help (conf/help.c), values and defaults
 * (conf/value.c) and the manuals' check (tests/lint/check-options, through
 * --help) know no more than what stands here; "the settings" are the struct
 * that a table is about.
 */
#ifndef CONF_OPTION_H
#define CONF_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_type {
	OPT_BOOL,     /* bool: true false yes no 1 0 */
	OPT_UINT,     /* uint64_t: decimal; the word `zero` stands for 0 */
	OPT_SIZE,     /* uint64_t: str_size() */
	OPT_DURATION, /* uint64_t: str_duration() */
	OPT_MODE,     /* uint64_t: octal */
	OPT_FD,       /* int64_t: a descriptor; -1 without a default */
	OPT_ENUM,     /* int: one of option_word() */
	OPT_STRING,   /* char *: as `item` has it */
	OPT_LIST,     /* struct conf_list: repeatable, one item each */
	OPT_COMMAS,   /* struct conf_list: repeatable and comma-separated */
	OPT_LADDER,   /* struct conf_ladder: ladder_read() */
};

enum option_scope { SCOPE_DAEMON, SCOPE_ROUTE };

struct option_word {
	const char *name; /* NULL ends the list */
	int value;
	bool synonym; /* taken, but not offered */
};

struct option {
	const char *name; /* without dashes; NULL ends the table */
	char letter;      /* -x for short; '\0': none */
	enum option_type type;
	enum option_scope scope; /* of the daemon's: which struct it is about */
	unsigned int group;      /* index of its heading */
	bool engine;             /* the engine needs it too */
	bool secret;             /* but of this text only whether it is set */
	size_t field;            /* in the struct that it is about */
	size_t given;            /* a bool in there to set; 0: none */
	const char *dflt;        /* as it would be written; NULL: unset */
	const char *websocketd;  /* under --compat=websocketd; NULL: the same */
	uint64_t min, max;       /* of the numbers; max 0: no limit */
	const char *zero;        /* OPT_UINT: a word for 0 */
	const char *bare;        /* the value it has without one; NULL: none */
	const struct option_word *words;
	const char *(*word)(int value); /* or these from 0 on, then NULL */
	const char *metavar;
	const char *help;

	/* Items and strings: gives the canonical text, NULL if it is none. */
	char *(*item)(const char *);
	const char *wanted; /* and what to say then */

	/* A synonym: what to do with the struct instead of setting a field. */
	void (*apply)(void *about, uint64_t value);
};

struct option_table {
	const struct option *rows; /* in the order of their headings */
	size_t route; /* in the settings: what SCOPE_ROUTE is about */
	const char *const *headings; /* of --help */
	size_t groups;               /* how many headings */
	const char *usage;           /* what --help begins with */
	bool letters; /* -x is a letter; false: as --x, written short */
};

/* The struct that the row is about: the settings, or the route in them. */
void *option_about(const struct option_table *, void *settings,
    const struct option *);

/* The row of that name (len bytes), or NULL; abbreviations are no names. */
const struct option *option_find(const struct option_table *, const char *name,
    size_t len);

/* The row of that letter, or NULL. */
const struct option *option_find_letter(const struct option_table *,
    char letter);

/* Of an OPT_ENUM: word i; the one after the last has no name. */
struct option_word option_word(const struct option *, int i);

/* The name most like it, or NULL if none is close. */
const char *option_nearest(const struct option_table *, const char *name,
    size_t len);

#endif
