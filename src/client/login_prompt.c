#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/base.h"
#include "base/fd.h"
#include "base/mem.h"
#include "client/login_prompt.h"

enum { ANSWER_MAX = 1024 };

static const int signals[] = { SIGINT, SIGQUIT, SIGTSTP, SIGTERM, SIGHUP };

static volatile sig_atomic_t caught;

static void
login_prompt_on_signal(int sig)
{
	caught = sig;
}

/* They interrupt the reading, so that the echo comes back before they act. */
static void
catch_signals(struct sigaction before[nitems(signals)])
{
	struct sigaction catching = { .sa_handler = login_prompt_on_signal };

	caught = 0;
	(void)sigemptyset(&catching.sa_mask);
	for (size_t i = 0; i < nitems(signals); i++)
		(void)sigaction(signals[i], &catching, &before[i]);
}

static void
let_signals_act(const struct sigaction before[nitems(signals)])
{
	for (size_t i = 0; i < nitems(signals); i++)
		(void)sigaction(signals[i], &before[i], NULL);
	if (caught != 0)
		(void)raise(caught);
}

/* A line into out[0..ANSWER_MAX); false if there is none. */
static bool
read_line(int fd, char *out)
{
	size_t len = 0;

	while (len < ANSWER_MAX && caught == 0) {
		if (read(fd, out + len, 1) != 1)
			return false;
		if (out[len] == '\n') {
			out[len] = '\0';
			return true;
		}
		len++;
	}
	return false;
}

static bool
ask(int fd, const char *question, char *out)
{
	struct sigaction before[nitems(signals)];
	struct termios shown, hidden;
	bool ok;

	if (tcgetattr(fd, &shown) == -1)
		return false;
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	catch_signals(before);
	ok = tcsetattr(fd, TCSAFLUSH, &hidden) == 0 &&
	    write(fd, question, strlen(question)) != -1 && read_line(fd, out);
	(void)tcsetattr(fd, TCSAFLUSH, &shown);
	ok = write(fd, "\n", 1) == 1 && ok;
	let_signals_act(before);
	return ok;
}

char *
login_prompt_secret(const char *question)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
	char answer[ANSWER_MAX], *copy = NULL;

	if (fd != -1 && ask(fd, question, answer))
		copy = mem_strdup(answer);
	explicit_bzero(answer, sizeof(answer));
	fd_close(&fd);
	return copy;
}
