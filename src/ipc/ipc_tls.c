#include <string.h>

#include "base/base.h"
#include "ipc/ipc_codec.h"
#include "ipc/ipc_tls.h"

static uint32_t
get_u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

void
ipc_put_file_head(uint8_t out[IPC_FILE_HEAD], const struct ipc_file *f)
{
	(void)ipc_put_u32(out, (uint32_t)f->kind);
	(void)ipc_put_u32(out + 4, f->index);
	(void)ipc_put_u32(out + 8, (uint32_t)f->len);
}

bool
ipc_next_file(const uint8_t *set, size_t len, size_t *at, struct ipc_file *f)
{
	const uint8_t *p;
	uint32_t kind;

	if (len - *at < IPC_FILE_HEAD)
		return false;
	p = set + *at;
	kind = get_u32(p);
	f->index = get_u32(p + 4);
	f->len = get_u32(p + 8);
	f->data = p + IPC_FILE_HEAD;
	if (kind == IPC_FILE_NONE || kind >= IPC_FILE_KINDS ||
	    f->index >= IPC_TLS_FILES || f->len > len - *at - IPC_FILE_HEAD)
		return false;
	f->kind = (enum ipc_file_kind)kind;
	*at += IPC_FILE_HEAD + f->len;
	return true;
}

size_t
ipc_put_verdict(uint8_t out[IPC_VERDICT_HEAD + IPC_TLS_WHY],
    const struct ipc_verdict *v)
{
	size_t n = v->why_len < IPC_TLS_WHY ? v->why_len : IPC_TLS_WHY;
	uint32_t head = (uint32_t)v->kind << 1 | v->good;

	(void)ipc_put_u32(out, head);
	(void)ipc_put_u32(out + 4, v->index);
	if (n > 0)
		memcpy(out + IPC_VERDICT_HEAD, v->why, n);
	return IPC_VERDICT_HEAD + n;
}

bool
ipc_read_verdict(const struct ipc_msg *m, struct ipc_verdict *v)
{
	uint32_t head;

	if (m->len < IPC_VERDICT_HEAD ||
	    m->len > IPC_VERDICT_HEAD + IPC_TLS_WHY)
		return false;
	head = get_u32(m->body);
	v->index = get_u32(m->body + 4);
	if (head >> 1 >= IPC_FILE_KINDS || v->index >= IPC_TLS_FILES)
		return false;
	v->good = head & 1;
	v->kind = (enum ipc_file_kind)(head >> 1);
	v->why = (const char *)m->body + IPC_VERDICT_HEAD;
	v->why_len = m->len - IPC_VERDICT_HEAD;
	return true;
}
