/*
 * The auth worker: the second role of this program, a process that holds the
 * hashes of passwords and answers the engines whether one is right.
 *
 * A hash is slow on purpose, and there is one process that works them out, one
 * after the other, so that nothing else has to wait. It has no network, no
 * files and no loop but poll(2). Each engine has its turn, whatever the
 * others ask.
 */
#ifndef ENGINE_AUTHWORKER_H
#define ENGINE_AUTHWORKER_H

/* Serve the parent on descriptor 0 until it goes; the exit status. */
int authworker_run(void);

#endif
