#include <sys/ioctl.h>

#include <signal.h>
#include <termios.h>

#include <event2/event.h>

#include "base/base.h"
#include "client/term_window.h"
#include "flow/watch.h"

static void
term_window_on_event(evutil_socket_t sig, short what, void *arg)
{
	struct term_window *w = arg;
	struct winsize size;

	(void)sig;
	(void)what;
	if (ioctl(w->fd, TIOCGWINSZ, &size) == 0)
		w->on_size(w->owner, size.ws_col, size.ws_row);
}

void
term_window_watch(struct term_window *w, struct event_base *base, int fd,
    void (*on_size)(void *owner, unsigned columns, unsigned rows), void *owner)
{
	if (fd == -1)
		return;
	w->fd = fd;
	w->on_size = on_size;
	w->owner = owner;
	(void)evsignal_assign(&w->ev, base, SIGWINCH, term_window_on_event, w);
	watch_need(&w->ev, NULL);
	term_window_on_event(SIGWINCH, EV_SIGNAL, w);
}

void
term_window_clear(struct term_window *w)
{
	if (w->on_size == NULL)
		return;
	w->on_size = NULL;
	(void)event_del(&w->ev);
}
