/*
 * A refusal that a web page can understand (--refuse=close): an upgrade that
 * may not come in is accepted and closed at once, with 4401, 4403 or 4429,
 * because browsers hide the status of a failed handshake from the page.
 */
#ifndef ENGINE_FAREWELL_H
#define ENGINE_FAREWELL_H

#include <stdbool.h>

struct buf;
struct engine;
struct request;

/* Whether any route does that. */
bool farewell_is_wanted(const struct engine *);

/* Whether the settings want that for this request and status. */
bool farewell_suits(const struct request *, unsigned status);

/* Append the 101 and the Close; why: a sentence, cut if it is too long. */
void farewell_put(struct buf *, const struct request *, unsigned status,
    const char *why);

#endif
