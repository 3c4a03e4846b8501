#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "flow/watch.h"

void
watch_die(void)
{
	if (errno == ENOMEM)
		mem_die();
	log_error("cannot wait for an event: %s", strerror(errno));
	_exit(1);
}
