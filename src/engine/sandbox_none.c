#include "base/base.h"
#include "base/log.h"
#include "engine/sandbox.h"

void
sandbox_enter(void)
{
	log_debug("engine: no sandbox on this system");
}
