/*
 * zlib's memory, counted and with a ceiling: many streams may share one count.
 *
 * Pure.
 */
#ifndef CODEC_ZMEMORY_H
#define CODEC_ZMEMORY_H

#include <stddef.h>

struct z_stream_s;

struct zmemory {
	size_t used; /* bytes that all its streams have now */
	size_t max;
};

/*
 * Have a stream that is about to be initialized take its memory here (kept).
 * Beyond the ceiling zlib gets none and says Z_MEM_ERROR.
 */
void zmemory_serve(struct zmemory *, struct z_stream_s *);

#endif
