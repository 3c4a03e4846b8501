#include <string.h>

#include "base/log.h"
#include "ipc/ipc_out.h"

void
ipc_out_init(struct ipc_out *out, uint8_t *body, size_t room)
{
	*out = (struct ipc_out){ .body = body, .room = room };
}

void
ipc_out_bytes(struct ipc_out *out, const void *from, size_t n)
{
	if (n > out->room - out->len)
		bug("a body of more than %zu bytes", out->room);
	if (n > 0)
		memcpy(out->body + out->len, from, n);
	out->len += n;
}

void
ipc_out_u8(struct ipc_out *out, uint8_t v)
{
	ipc_out_bytes(out, &v, sizeof(v));
}

void
ipc_out_u16(struct ipc_out *out, uint16_t v)
{
	ipc_out_bytes(out, &v, sizeof(v));
}

void
ipc_out_u32(struct ipc_out *out, uint32_t v)
{
	ipc_out_bytes(out, &v, sizeof(v));
}

void
ipc_out_bool(struct ipc_out *out, bool v)
{
	ipc_out_u8(out, v);
}
