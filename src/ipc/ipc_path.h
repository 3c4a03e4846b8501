/*
 * Paths that an engine may ask for inside a folder of programs: the parent's
 * own judgement, whatever an engine says of them.
 *
 * Pure.
 */
#ifndef IPC_IPC_PATH_H
#define IPC_IPC_PATH_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether path[0..len) (borrowed) is relative, at most IPC_PATH_MAX bytes
 * without NUL, and all its components are names: none is empty, but for one
 * after the last slash, and none begins with a dot, so that neither `..` nor
 * hidden files can be meant.
 */
bool ipc_path_ok(const char *path, size_t len);

#endif
