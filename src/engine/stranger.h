/*
 * Clients that speak something else than the port does, told by the first
 * bytes of their connection: so that both they and the log are told what it is,
 * and not which rule of a language that was not meant is broken.
 */
#ifndef ENGINE_STRANGER_H
#define ENGINE_STRANGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct refusal;

/* Whether no request, but a record of TLS, or of SSL 2, can begin so. */
bool stranger_is_tls(uint8_t first);

/* What else that may be which is no request: static; NULL: nobody we know. */
const struct refusal *stranger_to_plain(const uint8_t *data, size_t len);

/* What text that came where TLS was expected is refused with: static. */
const struct refusal *stranger_to_tls(const uint8_t *data, size_t len);

#endif
