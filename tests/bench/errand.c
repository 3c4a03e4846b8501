/*
 * Short errands: programs that start, have one line echoed, and end.
 *
 *	errand [-n RUNS] -- A [ARG...] -- B [ARG...]
 *	errand -i [-T SECONDS] -- COMMAND [ARG...]
 *
 * Runs A and B in turns. Each is given one line on standard input, whose end
 * follows at once, must print the same and exit with 0; what is measured is the
 * wall time from before the start until both are known. Prints one line of JSON
 * with medians in microseconds.
 *
 * With -i it is the server that inetd would be: it accepts on loopback and hands
 * each connection to the command as standard input and output.
 *
 * Used by: tests/bench/bench. Built without config.h: cc -D_GNU_SOURCE.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_RUNS 10000
#define WARM_UP 3

static const char line[] = "one line to be echoed\n";

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "errand: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* In a function of its own: see floor.c. */
static __attribute__((noinline)) pid_t
run(char **argv, int in, int out)
{
	pid_t pid = vfork();

	if (pid != 0)
		return pid;
	signal(SIGCHLD, SIG_DFL);
	if (dup2(in, 0) != -1 && dup2(out, 1) != -1)
		execv(argv[0], argv);
	_exit(127);
}

/* ---- the server ---- */

static int
listen_somewhere(void)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd == -1 || bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(fd, 128) == -1 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) == -1)
		die("listen");
	fprintf(stderr, "errand: listening on http://127.0.0.1:%u/\n",
	    (unsigned int)ntohs(sin.sin_port));
	return fd;
}

static _Noreturn void
serve(char **argv)
{
	int listener = listen_somewhere(), fd;

	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		if ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) == -1)
			continue;
		if (run(argv, fd, fd) == -1)
			die("vfork");
		close(fd);
	}
}

/* ---- the errands ---- */

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* What it prints must be the line, and nothing else. */
static bool
echoed(int fd)
{
	char got[sizeof(line) + 1];
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(got) &&
	    (n = read(fd, got + len, sizeof(got) - len)) > 0)
		len += (size_t)n;
	return len == sizeof(line) - 1 && memcmp(got, line, len) == 0;
}

static uint64_t
time_one(char **argv)
{
	int in[2], out[2], status;
	uint64_t start;
	pid_t pid;
	bool ok;

	if (pipe2(in, O_CLOEXEC) == -1 || pipe2(out, O_CLOEXEC) == -1 ||
	    write(in[1], line, sizeof(line) - 1) == -1)
		die("pipe");
	close(in[1]);
	start = now_ns();
	if ((pid = run(argv, in[0], out[1])) == -1)
		die("vfork");
	close(out[1]);
	ok = echoed(out[0]);
	if (waitpid(pid, &status, 0) == -1)
		die("waitpid");
	start = now_ns() - start;
	close(in[0]);
	close(out[0]);
	if (!ok || status != 0) {
		fprintf(stderr, "errand: %s: %s, status %#x\n", argv[0],
		    ok ? "echoed" : "not echoed", (unsigned int)status);
		exit(3);
	}
	return start;
}

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static double
median_us(uint64_t *v, size_t n)
{
	qsort(v, n, sizeof(*v), compare);
	return (double)v[n / 2] / 1000;
}

static void
measure(char **a, char **b, size_t runs)
{
	static uint64_t took_a[MAX_RUNS], took_b[MAX_RUNS];
	double ma, mb;

	for (size_t i = 0; i < WARM_UP + runs; i++) {
		uint64_t ta = time_one(a), tb = time_one(b);

		if (i >= WARM_UP) {
			took_a[i - WARM_UP] = ta;
			took_b[i - WARM_UP] = tb;
		}
	}
	ma = median_us(took_a, runs);
	mb = median_us(took_b, runs);
	printf("{\"runs\": %zu, \"a_us\": %.1f, \"b_us\": %.1f, "
	       "\"ratio\": %.3f}\n",
	    runs, ma, mb, mb / ma);
}

static _Noreturn void
usage(void)
{
	fputs("usage: errand [-n RUNS] -- A [ARG...] -- B [ARG...]\n"
	      "       errand -i [-T SECONDS] -- COMMAND [ARG...]\n",
	    stderr);
	exit(2);
}

static size_t
number(const char *text, unsigned long max)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n < 1 || n > max)
		usage();
	return n;
}

/* Where the words of B begin; the "--" before them becomes the end of A's. */
static char **
split(char **words)
{
	for (; *words != NULL; words++)
		if (strcmp(*words, "--") == 0) {
			*words = NULL;
			return words + 1;
		}
	usage();
}

int
main(int argc, char **argv)
{
	size_t runs = 100, seconds = 120;
	bool server = false;
	char **b;
	int opt;

	while ((opt = getopt(argc, argv, "+in:T:")) != -1) {
		switch (opt) {
		case 'i':
			server = true;
			break;
		case 'n':
			runs = number(optarg, MAX_RUNS);
			break;
		case 'T':
			seconds = number(optarg, 3600);
			break;
		default:
			usage();
		}
	}
	if (optind == argc)
		usage();
	alarm((unsigned int)seconds);
	if (server)
		serve(argv + optind);
	b = split(argv + optind);
	if (argv[optind] == NULL || *b == NULL)
		usage();
	measure(argv + optind, b, runs);
	return 0;
}
