/*
 * The words of a command line, as options of a table and as what is none.
 *
 * --x=v and --x v mean the same. A boolean is --x or --x=false and never eats
 * the next word; any other option has exactly one value. Names are never
 * abbreviated. Where a table has letters, -x is one of them, -xy two, and the
 * value of the last follows in the same word or is the next; elsewhere -x is
 * --x written short.
 */
#ifndef CONF_READER_H
#define CONF_READER_H

#include "conf/option.h"

struct reader {
	const struct option_table *table; /* kept */
	char **v;                         /* kept: the words not taken yet */
	int n;
	const char *letters; /* of the last word taken, not read yet */
};

enum reader_result {
	READER_ERROR = -1, /* *why is an owned sentence */
	READER_NONE = 0,   /* no words are left */
	READER_OPTION,     /* an option and its value were taken */
	READER_WORD,       /* the next word, v[0], is no option; it is left */
	READER_END,        /* `--` was taken */
};

/* An option as it was written. */
struct written {
	const struct option *row;
	const char *value; /* a word of ours, or static */
};

/* Begin after our own name, argv[0]. */
void reader_init(struct reader *, const struct option_table *, int argc,
    char **argv);

enum reader_result reader_next(struct reader *, struct written *, char **why);

/* Take the next word, which must be there. */
char *reader_take(struct reader *);

/* Copies of all words that are left, as an owned list that ends with NULL. */
char **reader_rest(const struct reader *);

#endif
