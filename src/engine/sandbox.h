/*
 * What a process that reads the network gives up once it has everything it
 * needs: new privileges, new processes, files, other sockets.
 *
 * One of sandbox_linux.c and sandbox_none.c is built.
 *
 * Used by: engine/engine.c.
 */
#ifndef ENGINE_SANDBOX_H
#define ENGINE_SANDBOX_H

/*
 * How far: enum conf_sandbox. Cannot be undone. What the system does not offer
 * is logged and left out. Files below `folder` (borrowed; -1: none) can still
 * be read.
 */
void sandbox_enter(int how, int folder);

#endif
