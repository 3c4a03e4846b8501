/*
 * What the client says on standard error: "standpipe: " and a sentence.
 *
 * What a server sent is shown so that a terminal obeys nothing of it, whether
 * standard error is one or not.
 */
#ifndef CLIENT_TELL_H
#define CLIENT_TELL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/base.h"

struct client_conf;

/*
 * From now on fn shows it (borrowed): the owner has that terminal. Keeps both,
 * one pair at a time; NULL: standard error again.
 */
typedef void tell_fn(void *owner, const void *text, size_t len);
void tell_through(tell_fn *, void *owner);

/* A thing that went wrong or is not as it should be; nothing with --quiet. */
void tell(const struct client_conf *, const char *fmt, ...) attr_printf(2, 3);

/* What happens, with --verbose. */
void tell_more(const struct client_conf *, const char *fmt, ...)
    attr_printf(2, 3);

/* Several lines of a server, each after two blanks; nothing with --quiet. */
void tell_lines(const struct client_conf *, const char *text, size_t len);

#endif
