/*
 * Bytes that nobody can guess, from the system and without a library: keys of
 * frames, numbers used once, jitter.
 *
 * They are fetched by the hundred, so a few of them cost no system call.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>

/* Fill out; a system that has none to give ends the process. */
void random_bytes(void *out, size_t len);

#endif
