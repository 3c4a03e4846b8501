/*
 * The two halves of the sandbox on Linux: what the kernel is told of files,
 * networks and signals, and what of its calls.
 *
 * Both say in the log what cannot be had, and leave it out.
 */
#ifndef ENGINE_SANDBOX_PARTS_H
#define ENGINE_SANDBOX_PARTS_H

#include <stdbool.h>

#include "engine/sandbox.h"

/* Landlock: all that the running kernel can refuse, but to read its folders. */
void sandbox_forbid_access(const struct sandbox *);

/*
 * seccomp: calls that serving does not take and that reach beyond this process,
 * or, if strict, all calls that it does not take.
 */
void sandbox_forbid_calls(const struct sandbox *, bool strict);

#endif
