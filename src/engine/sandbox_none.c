#include "base/base.h"
#include "base/log.h"
#include "conf/conf.h"
#include "engine/sandbox.h"

void
sandbox_enter(const struct sandbox *s)
{
	if (s->how != CONF_SANDBOX_OFF)
		log_debug("%s: no sandbox on this system", s->who);
}
