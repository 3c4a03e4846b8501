#include <string.h>

#include "ipc/ipc.h"
#include "ipc/ipc_path.h"

bool
ipc_path_ok(const char *path, size_t len)
{
	bool at_start = true; /* of a component */

	if (len == 0 || len > IPC_PATH_MAX || memchr(path, '\0', len) != NULL)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (at_start && (path[i] == '/' || path[i] == '.'))
			return false;
		at_start = path[i] == '/';
	}
	return true;
}
