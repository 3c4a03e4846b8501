/*
 * What a generation tells its engines and workers: all that there is when one
 * begins, and what changes.
 */
#ifndef PARENT_GENERATION_TELL_H
#define PARENT_GENERATION_TELL_H

#include <stdbool.h>
#include <stddef.h>

struct engine;
struct generation;
struct secret;

/* One that begins: everything. False if it does not take it. */
bool generation_tell_all(struct engine *);

/* That file has been read anew: tell those that compare with it. */
void generation_tell_secret(struct generation *, const struct secret *);

#endif
