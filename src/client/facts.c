#include <sys/socket.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/base.h"
#include "base/clock.h"
#include "client/facts.h"

void
facts_init(struct facts *f)
{
	*f = (struct facts){ .began = clock_ms() };
	buf_init(&f->answer, FACTS_ANSWER_MAX);
}

void
facts_clear(struct facts *f)
{
	buf_clear(&f->answer);
	free(f->location);
	*f = (struct facts){ 0 };
}

void
facts_begin_again(struct facts *f)
{
	uint64_t began = f->began;

	facts_clear(f);
	facts_init(f);
	f->began = began;
}

void
facts_set_peer(struct facts *f, int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	char text[ADDR_TEXT];
	struct addr addr;
	unsigned port;

	if (getpeername(fd, (struct sockaddr *)&ss, &len) == -1)
		return;
	addr_from(&addr, &port, (const struct sockaddr *)&ss);
	addr_put(&addr, text);
	if (addr_is_unix(&addr))
		(void)snprintf(f->peer, sizeof(f->peer), "a Unix socket");
	else
		(void)snprintf(f->peer, sizeof(f->peer),
		    addr_is_ipv4(&addr) ? "%s:%u" : "[%s]:%u", text, port);
}

void
facts_set_text(char out[FACTS_TEXT], const char *text, size_t len)
{
	if (len > FACTS_TEXT - 1)
		len = FACTS_TEXT - 1;
	memcpy(out, text, len);
	out[len] = '\0';
}
