#include <string.h>

#include "ipc/ipc_name.h"

enum { ID_LEN = 4 };

void
ipc_put_name_ask(uint8_t out[IPC_NAME_ASK_LEN], uint32_t id,
    const struct addr *a)
{
	memcpy(out, &id, ID_LEN);
	memcpy(out + ID_LEN, a, sizeof(*a));
}

bool
ipc_read_name_ask(const uint8_t *in, size_t len, uint32_t *id, struct addr *a)
{
	if (len != IPC_NAME_ASK_LEN)
		return false;
	memcpy(id, in, ID_LEN);
	memcpy(a, in + ID_LEN, sizeof(*a));
	return true;
}

size_t
ipc_put_name(uint8_t out[IPC_NAME_MAX], uint32_t id, const char *name)
{
	size_t len = name == NULL ? 0 : strlen(name);

	if (len > IPC_NAME_TEXT)
		len = 0;
	memcpy(out, &id, ID_LEN);
	if (len > 0)
		memcpy(out + ID_LEN, name, len);
	return ID_LEN + len;
}

bool
ipc_read_name(const uint8_t *in, size_t len, uint32_t *id,
    char name[IPC_NAME_TEXT + 1])
{
	if (len < ID_LEN || len > IPC_NAME_MAX ||
	    memchr(in + ID_LEN, '\0', len - ID_LEN) != NULL)
		return false;
	memcpy(id, in, ID_LEN);
	memcpy(name, in + ID_LEN, len - ID_LEN);
	name[len - ID_LEN] = '\0';
	return true;
}
