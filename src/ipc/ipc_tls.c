#include "base/base.h"
#include "ipc/ipc_codec.h"
#include "ipc/ipc_in.h"
#include "ipc/ipc_out.h"
#include "ipc/ipc_tls.h"

void
ipc_put_file_head(uint8_t head[IPC_FILE_HEAD], const struct ipc_file *f)
{
	struct ipc_out out;

	ipc_out_init(&out, head, IPC_FILE_HEAD);
	ipc_out_u32(&out, (uint32_t)f->kind);
	ipc_out_u32(&out, f->index);
	ipc_out_u32(&out, (uint32_t)f->len);
}

bool
ipc_next_file(const uint8_t *set, size_t len, size_t *at, struct ipc_file *f)
{
	struct ipc_in in;

	if (*at == len)
		return false; /* an empty set may be nowhere */
	ipc_in_init(&in, set + *at, len - *at);
	f->kind = ipc_in_within(&in, ipc_in_u32(&in), IPC_FILE_NONE + 1,
	    IPC_FILE_KINDS - 1);
	f->index = ipc_in_within(&in, ipc_in_u32(&in), 0, IPC_TLS_FILES - 1);
	f->len = ipc_in_u32(&in);
	f->data = ipc_in_bytes(&in, f->len);
	if (in.bad)
		return false;
	*at = len - in.left;
	return true;
}

size_t
ipc_put_verdict(uint8_t body[IPC_VERDICT_HEAD + IPC_TLS_WHY],
    const struct ipc_verdict *v)
{
	size_t n = v->why_len < IPC_TLS_WHY ? v->why_len : IPC_TLS_WHY;
	struct ipc_out out;

	ipc_out_init(&out, body, IPC_VERDICT_HEAD + IPC_TLS_WHY);
	ipc_out_u32(&out, (uint32_t)v->kind << 1 | v->good);
	ipc_out_u32(&out, v->index);
	ipc_out_bytes(&out, v->why, n);
	return out.len;
}

bool
ipc_read_verdict(const struct ipc_msg *m, struct ipc_verdict *v)
{
	struct ipc_in in;
	uint32_t head;

	ipc_in_init(&in, m->body, m->len);
	head = ipc_in_u32(&in);
	v->good = head & 1;
	v->kind = ipc_in_within(&in, head >> 1, 0, IPC_FILE_KINDS - 1);
	v->index = ipc_in_within(&in, ipc_in_u32(&in), 0, IPC_TLS_FILES - 1);
	v->why = (const char *)ipc_in_rest(&in, &v->why_len);
	return ipc_in_end(&in) && v->why_len <= IPC_TLS_WHY;
}
