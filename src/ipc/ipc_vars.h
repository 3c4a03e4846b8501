/*
 * Which variables the parent lets an engine set for a command.
 *
 * An engine that an attacker owns must not be able to set LD_PRELOAD, PATH,
 * IFS or HTTP_PROXY, so this is a list of what is allowed, kept apart from
 * codec/cgi.c, which makes the variables: it is the parent's own judgement.
 */
#ifndef IPC_IPC_VARS_H
#define IPC_IPC_VARS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether name[0..len) (borrowed, without the '=') is a variable that cgi.h
 * lists, or HTTP_ and one or more of A-Z, 0-9 and '_', but not HTTP_PROXY.
 */
bool ipc_var_allowed(const char *name, size_t len);

/*
 * Whether the name (or the PREFIX_* of a list, without its star) is one that
 * makes programs run, load or fetch something else than they would: nobody
 * may list it. Small letters and capitals are the same here.
 */
bool ipc_var_harmful(const char *name, size_t len);

/*
 * Whether a variable that a gate printed may reach the program: it matches one
 * of n patterns (borrowed; NAME or PREFIX_*; without any: REMOTE_USER and
 * GATE_*), is a portable name, and not harmful.
 */
bool ipc_gate_var_allowed(const char *name, size_t len, char *const *pattern,
    size_t n);

#endif
