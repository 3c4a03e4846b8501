/*
 * A piece of a message, whatever made it: what flows through the programs.
 *
 * A message is text or binary and comes in one piece or in several, in order.
 * The frames of WebSocket, framings, dialects and transports take pieces and
 * give them.
 */
#ifndef CODEC_PIECE_H
#define CODEC_PIECE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct piece {
	bool text;           /* of a text message; else of a binary one */
	bool first;          /* begins the message */
	bool last;           /* completes it */
	bool kept;           /* what gave it needs its place for the next one */
	const uint8_t *data; /* borrowed */
	size_t len;
};

/* A message in one piece. */
static inline struct piece
piece_whole(bool text, const void *data, size_t len)
{
	return (struct piece){
		.text = text,
		.first = true,
		.last = true,
		.data = data,
		.len = len,
	};
}

#endif
