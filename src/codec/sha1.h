/*
 * SHA-1 (FIPS 180-4, section 6.1), for the opening handshake of WebSocket,
 * which asks for it, and for nothing that has to be safe.
 *
 * Pure.
 */
#ifndef CODEC_SHA1_H
#define CODEC_SHA1_H

#include <stddef.h>
#include <stdint.h>

enum { SHA1_LEN = 20 };

/* The digest of len bytes (borrowed). */
void sha1(const void *data, size_t len, uint8_t out[SHA1_LEN]);

#endif
