/*
 * Whether and how the messages of a session are compressed: what the settings
 * allow, the client offers and memory is there for.
 */
#ifndef ENGINE_COMPRESSION_H
#define ENGINE_COMPRESSION_H

#include <stdbool.h>

#include "codec/ws_terms.h"

struct engine;
struct request;

struct compression {
	bool agreed; /* then both are filled */
	struct ws_terms terms;
	char answer[WS_TERMS_TEXT]; /* Sec-WebSocket-Extensions */
};

/* The settings are there: what all sessions share begins. */
void compression_init(struct engine *);

/* Judge the offer of an upgrade. False: it is malformed, the answer is 400. */
bool compression_agree(const struct request *, struct compression *);

#endif
