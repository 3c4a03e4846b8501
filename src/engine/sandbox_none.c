#include "base/base.h"
#include "base/log.h"
#include "conf/conf.h"
#include "engine/sandbox.h"

void
sandbox_enter(int how, int folder)
{
	(void)folder;
	if (how != CONF_SANDBOX_OFF)
		log_debug("engine: no sandbox on this system");
}
