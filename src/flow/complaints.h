/*
 * Standard error on its way to the log, no faster than a log should grow.
 *
 * Each program may complain at some length at once and then at an even rate, and
 * so may all programs of this process together. What is too much is dropped for
 * a second and counted; the count is a line of the log as soon as another one
 * may be written, and at the latest when the program has ended.
 */
#ifndef FLOW_COMPLAINTS_H
#define FLOW_COMPLAINTS_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "base/log.h"

/* The share of this process. */
struct complaints_share {
	uint64_t till;  /* of base/rate.h */
	uint64_t step;  /* microseconds for a line of ordinary length */
	uint64_t burst; /* of them, at once */
};

/* One program's; zero: it has said nothing. */
struct complaints {
	uint64_t till;
	uint64_t silence; /* till then, in microseconds, all is dropped */
	uint64_t lines;   /* dropped and not said yet, and their bytes */
	uint64_t bytes;
};

/* Who it is. */
struct complainer {
	enum log_level level;
	uint32_t session;
	pid_t pid;
};

/* So many processes share what the log may take. */
void complaints_share_init(struct complaints_share *, unsigned processes);

/* A line without its end, borrowed. */
void complaints_take(struct complaints *, struct complaints_share *,
    const struct complainer *, const uint8_t *line, size_t len);

/* There will be no more of it. */
void complaints_end(struct complaints *, const struct complainer *);

#endif
