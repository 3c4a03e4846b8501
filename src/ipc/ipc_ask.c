#include <string.h>

#include "ipc/ipc_ask.h"

enum { ID_LEN = 4 };

size_t
ipc_put_ask(uint8_t out[IPC_ASK_MAX], const struct ipc_ask *a)
{
	size_t user = strlen(a->user) + 1, password = strlen(a->password) + 1;

	if (user > IPC_ASK_TEXT + 1 || password > IPC_ASK_TEXT + 1)
		return 0;
	memcpy(out, &a->id, ID_LEN);
	memcpy(out + ID_LEN, a->user, user);
	memcpy(out + ID_LEN + user, a->password, password);
	return ID_LEN + user + password;
}

bool
ipc_read_ask(const uint8_t *in, size_t len, struct ipc_ask *a)
{
	size_t user, password;

	if (len < ID_LEN + 2 || len > IPC_ASK_MAX || in[len - 1] != '\0')
		return false;
	memcpy(&a->id, in, ID_LEN);
	a->user = (const char *)in + ID_LEN;
	user = strlen(a->user) + 1;
	if (ID_LEN + user == len || user > IPC_ASK_TEXT + 1)
		return false;
	a->password = a->user + user;
	password = strlen(a->password) + 1;
	return ID_LEN + user + password == len && password <= IPC_ASK_TEXT + 1;
}

void
ipc_put_answer(uint8_t out[IPC_ANSWER_LEN], uint32_t id, bool right)
{
	memcpy(out, &id, ID_LEN);
	out[ID_LEN] = right;
}

bool
ipc_read_answer(const uint8_t *in, size_t len, uint32_t *id, bool *right)
{
	if (len != IPC_ANSWER_LEN || in[ID_LEN] > 1)
		return false;
	memcpy(id, in, ID_LEN);
	*right = in[ID_LEN];
	return true;
}
