#include <string.h>

#include "ipc/ipc_in.h"

void
ipc_in_init(struct ipc_in *in, const uint8_t *body, size_t len)
{
	*in = (struct ipc_in){ .at = body, .left = len };
}

const uint8_t *
ipc_in_bytes(struct ipc_in *in, size_t n)
{
	const uint8_t *at = in->at;

	if (in->bad || n > in->left) {
		in->bad = true;
		return NULL;
	}
	in->at += n;
	in->left -= n;
	return at;
}

void
ipc_in_copy(struct ipc_in *in, void *to, size_t n)
{
	const uint8_t *from = ipc_in_bytes(in, n);

	if (from != NULL)
		memcpy(to, from, n);
	else
		memset(to, 0, n);
}

uint8_t
ipc_in_u8(struct ipc_in *in)
{
	uint8_t v;

	ipc_in_copy(in, &v, sizeof(v));
	return v;
}

uint16_t
ipc_in_u16(struct ipc_in *in)
{
	uint16_t v;

	ipc_in_copy(in, &v, sizeof(v));
	return v;
}

uint32_t
ipc_in_u32(struct ipc_in *in)
{
	uint32_t v;

	ipc_in_copy(in, &v, sizeof(v));
	return v;
}

uint32_t
ipc_in_within(struct ipc_in *in, uint32_t v, uint32_t first, uint32_t last)
{
	in->bad |= v < first || v > last;
	return in->bad ? 0 : v;
}

bool
ipc_in_bool(struct ipc_in *in)
{
	return ipc_in_within(in, ipc_in_u8(in), false, true);
}

const char *
ipc_in_text(struct ipc_in *in, size_t max)
{
	size_t most = in->left <= max ? in->left : max + 1;
	const uint8_t *nul = most == 0 ? NULL : memchr(in->at, '\0', most);

	if (nul == NULL) {
		in->bad = true;
		return NULL;
	}
	return (const char *)ipc_in_bytes(in, (size_t)(nul - in->at) + 1);
}

const uint8_t *
ipc_in_rest(struct ipc_in *in, size_t *len)
{
	*len = in->bad ? 0 : in->left;
	return ipc_in_bytes(in, *len);
}

bool
ipc_in_end(const struct ipc_in *in)
{
	return !in->bad && in->left == 0;
}
