#include <string.h>

#include "ipc/ipc_in.h"
#include "ipc/ipc_name.h"
#include "ipc/ipc_out.h"

void
ipc_put_name_ask(uint8_t packet[IPC_NAME_ASK_LEN], uint32_t id,
    const struct addr *a)
{
	struct ipc_out out;

	ipc_out_init(&out, packet, IPC_NAME_ASK_LEN);
	ipc_out_u32(&out, id);
	ipc_out_bytes(&out, a, sizeof(*a));
}

bool
ipc_read_name_ask(const uint8_t *packet, size_t len, uint32_t *id,
    struct addr *a)
{
	struct ipc_in in;

	ipc_in_init(&in, packet, len);
	*id = ipc_in_u32(&in);
	ipc_in_copy(&in, a, sizeof(*a));
	return ipc_in_end(&in);
}

size_t
ipc_put_name(uint8_t packet[IPC_NAME_MAX], uint32_t id, const char *name)
{
	size_t len = name == NULL ? 0 : strlen(name);
	struct ipc_out out;

	ipc_out_init(&out, packet, IPC_NAME_MAX);
	ipc_out_u32(&out, id);
	ipc_out_bytes(&out, name, len > IPC_NAME_TEXT ? 0 : len);
	return out.len;
}

bool
ipc_read_name(const uint8_t *packet, size_t len, uint32_t *id,
    char name[IPC_NAME_TEXT + 1])
{
	const uint8_t *text;
	struct ipc_in in;
	size_t n;

	ipc_in_init(&in, packet, len);
	*id = ipc_in_u32(&in);
	text = ipc_in_rest(&in, &n);
	if (!ipc_in_end(&in) || n > IPC_NAME_TEXT ||
	    memchr(text, '\0', n) != NULL)
		return false;
	memcpy(name, text, n);
	name[n] = '\0';
	return true;
}
