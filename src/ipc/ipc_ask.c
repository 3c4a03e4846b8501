#include <string.h>

#include "ipc/ipc_ask.h"
#include "ipc/ipc_in.h"
#include "ipc/ipc_out.h"

size_t
ipc_put_ask(uint8_t packet[IPC_ASK_MAX], const struct ipc_ask *a)
{
	size_t user = strlen(a->user), password = strlen(a->password);
	struct ipc_out out;

	if (user > IPC_ASK_TEXT || password > IPC_ASK_TEXT)
		return 0;
	ipc_out_init(&out, packet, IPC_ASK_MAX);
	ipc_out_u32(&out, a->id);
	ipc_out_u32(&out, a->route);
	ipc_out_bytes(&out, a->user, user + 1);
	ipc_out_bytes(&out, a->password, password + 1);
	return out.len;
}

bool
ipc_read_ask(const uint8_t *packet, size_t len, struct ipc_ask *a)
{
	struct ipc_in in;

	ipc_in_init(&in, packet, len);
	a->id = ipc_in_u32(&in);
	a->route = ipc_in_u32(&in);
	a->user = ipc_in_text(&in, IPC_ASK_TEXT);
	a->password = ipc_in_text(&in, IPC_ASK_TEXT);
	return ipc_in_end(&in);
}

void
ipc_put_answer(uint8_t packet[IPC_ANSWER_LEN], uint32_t id, bool right)
{
	struct ipc_out out;

	ipc_out_init(&out, packet, IPC_ANSWER_LEN);
	ipc_out_u32(&out, id);
	ipc_out_bool(&out, right);
}

bool
ipc_read_answer(const uint8_t *packet, size_t len, uint32_t *id, bool *right)
{
	struct ipc_in in;

	ipc_in_init(&in, packet, len);
	*id = ipc_in_u32(&in);
	*right = ipc_in_bool(&in);
	return ipc_in_end(&in);
}
