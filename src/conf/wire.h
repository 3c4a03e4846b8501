/*
 * A struct conf as bytes, to hand it from the parent to an engine.
 *
 * Only rows of the option table marked for the engine travel: no command, no
 * variables, no users. A row is `name=value` and a NUL, a list one such text an
 * item; the daemon's come first, then those of the route, each in the order of
 * the table and with an empty row at the end. Reading goes through the same
 * checks as the command line. A `~` in front of a row says that nobody has
 * written it, where that makes a difference. Of a row that is secret the engine
 * learns only whether it is set.
 */
#ifndef CONF_WIRE_H
#define CONF_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "conf/conf.h"

/* Append the settings; false if the buffer's ceiling is too low. */
bool wire_pack(const struct conf *, struct buf *);

/*
 * Read them into *conf, which is uninitialised before and owned by the caller
 * after; what did not travel has its default. False if the bytes are anything
 * but what wire_pack() could have written; then there is nothing to clear.
 */
bool wire_unpack(struct conf *conf, const uint8_t *bytes, size_t len);

#endif
