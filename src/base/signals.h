/*
 * The signals that may be sent to all processes of the daemon at once. The parent
 * hears them, in this order: what has ended is reaped before everybody is sent
 * away. Engines and workers ignore them, for the parent says what is to happen.
 * Those of real time, SIGRTMIN to SIGRTMAX, belong to them and are in no table.
 */
#ifndef BASE_SIGNALS_H
#define BASE_SIGNALS_H

#include <stddef.h>

extern const int signals_to_all[];
extern const size_t signals_to_all_n;

#endif
