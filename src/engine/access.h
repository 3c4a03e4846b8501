/*
 * Who may come in: which pages, under which names (codec/origin.h).
 *
 * Used by: engine/route.c.
 */
#ifndef ENGINE_ACCESS_H
#define ENGINE_ACCESS_H

#include <stdbool.h>

struct conf;
struct route_request;
struct route_decision;

/* False, with the refusal filled in. */
bool access_check(struct route_decision *, const struct conf *,
    const struct route_request *);

#endif
