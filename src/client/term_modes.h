/*
 * The settings of the terminal as we found them, put back however we end: by
 * returning from main(), exit(), or a signal that kills. (SIGKILL alone tells
 * nobody.)
 */
#ifndef CLIENT_TERM_MODES_H
#define CLIENT_TERM_MODES_H

/*
 * Keep those of fd, a terminal (borrowed), once. Signals that would kill us
 * get a handler that puts them back and then kills us; whoever handles one
 * himself may go on doing so.
 */
void term_modes_keep(int fd);

/* Put them back, unless others have the terminal by now. Safe in a handler. */
void term_modes_restore(void);

#endif
