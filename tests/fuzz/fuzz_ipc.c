/*
 * Packets between parent and engine. The first byte says who sent it and with
 * how many descriptors. What is accepted keeps to its size, lies inside the
 * packet, and is put together again as it was.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/ipc_ask.h"
#include "ipc/ipc_codec.h"
#include "ipc/ipc_name.h"
#include "ipc/ipc_tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

/* Said in other words than ipc_path.c says it. */
static void
check_path(const char *path, size_t len)
{
	check(len > 0 && len <= IPC_PATH_MAX && path[0] != '/');
	for (size_t i = 0; i < len; i++) {
		check(path[i] != '\0');
		if (i == 0 || path[i - 1] == '/')
			check(path[i] != '.' && path[i] != '/');
	}
}

/* A path, and an array of NUL-terminated texts that fills the rest. */
static void
check_open(const struct ipc_msg *m)
{
	struct ipc_open op;
	uint8_t head[IPC_OPEN_MAX];
	size_t at = 0, n;

	if (!ipc_read_open(m, &op))
		return;
	if (op.part == IPC_PART_DIR || op.part == IPC_PART_CGI)
		check_path(op.path, op.path_len);
	else
		check(op.path_len == 0);
	n = ipc_put_open(head, &op);
	check(n <= sizeof(head) && memcmp(head, m->body, n) == 0);
	check((const uint8_t *)op.vars == m->body + n);
	check(op.vars_len + n == m->len);
	while (at < op.vars_len)
		at += strlen(op.vars + at) + 1;
	check(at == op.vars_len);
}

static void
check_numbers(const struct ipc_msg *m)
{
	enum ipc_refusal why;
	uint32_t v, ago;
	uint8_t out[8];
	int err;

	if (ipc_read_u32(m, &v))
		check(ipc_put_u32(out, v) == m->len &&
		    memcmp(out, m->body, m->len) == 0);
	if (ipc_read_kill(m, &v, &ago))
		check(ipc_put_kill(out, v, ago) == m->len &&
		    memcmp(out, m->body, m->len) == 0);
	if (ipc_read_refused(m, &why, &err)) {
		check(why >= IPC_REFUSED_EXEC && why <= IPC_REFUSED_MISSING);
		check(ipc_put_refused(out, why, err) == m->len &&
		    memcmp(out, m->body, m->len) == 0);
	}
}

static void
check_listen(const struct ipc_msg *m)
{
	struct ipc_listen l;
	uint8_t out[IPC_LISTEN_BODY];

	if (!ipc_read_listen(m, &l))
		return;
	check(ipc_put_listen(out, &l) == m->len);
	check(memcmp(out, m->body, m->len) == 0);
}

static void
check_admission(const struct ipc_msg *m)
{
	uint8_t out[IPC_BLOCKED_BODY];
	struct ipc_admitted answer;
	struct ipc_admit ask;
	struct addr a;
	uint32_t ms;

	if (ipc_read_admit(m, &ask))
		check(ipc_put_admit(out, &ask) == m->len &&
		    memcmp(out, m->body, m->len) == 0);
	if (ipc_read_admitted(m, &answer))
		check(ipc_put_admitted(out, &answer) == m->len &&
		    memcmp(out, m->body, m->len) == 0);
	if (ipc_read_blocked(m, &a, &ms))
		check(ipc_put_blocked(out, &a, ms) == m->len &&
		    memcmp(out, m->body, m->len) == 0);
	if (ipc_read_addr(m, &a))
		check(memcmp(&a, m->body, m->len) == 0);
}

static void
check_beginning(const struct ipc_msg *m)
{
	uint8_t out[IPC_START_BODY];
	struct ipc_start s;
	struct ipc_link l;

	if (ipc_read_start(m, &s)) {
		check(s.number > 0 && s.step > 0 && s.engines > 0);
		check(ipc_put_start(out, &s) == m->len &&
		    memcmp(out, m->body, m->len) == 0);
	}
	if (ipc_read_link(m, &l)) {
		check(l.role < IPC_ROLES);
		check(ipc_put_link(out, &l) == m->len &&
		    memcmp(out, m->body, m->len) == 0);
	}
}

static void
check_exit(const struct ipc_msg *m)
{
	struct ipc_exit e;
	uint8_t out[3];

	if (!ipc_read_exit(m, &e))
		return;
	check(ipc_put_exit(out, &e) == m->len);
	check(out[0] == m->body[0] && out[1] == m->body[1]);
}

static void
check_verdict(const struct ipc_msg *m)
{
	uint8_t out[IPC_VERDICT_HEAD + IPC_TLS_WHY];
	struct ipc_verdict v;

	if (!ipc_read_verdict(m, &v))
		return;
	check(v.kind < IPC_FILE_KINDS && v.index < IPC_TLS_FILES);
	check(ipc_put_verdict(out, &v) == m->len);
	check(memcmp(out, m->body, m->len) == 0);
}

/* The files of a set lie in it, one behind the other. */
static void
check_files(const struct ipc_msg *m)
{
	uint8_t head[IPC_FILE_HEAD];
	struct ipc_file f;
	size_t at = 0, before = 0;

	while (ipc_next_file(m->body, m->len, &at, &f)) {
		check(f.data == m->body + before + IPC_FILE_HEAD);
		check(at == before + IPC_FILE_HEAD + f.len && at <= m->len);
		ipc_put_file_head(head, &f);
		check(memcmp(head, m->body + before, sizeof(head)) == 0);
		before = at;
	}
	check(at == before);
}

static void
check_message(const struct ipc_msg *m, const uint8_t *packet, size_t len)
{
	uint8_t head[IPC_HEAD];

	check(m->type > 0 && m->type < IPC_TYPES);
	check(strcmp(ipc_strtype(m->type), "unknown") != 0);
	check(m->body == packet + IPC_HEAD && m->len == len - IPC_HEAD);
	check(m->len <= IPC_BODY_MAX && m->nfds <= IPC_FDS_MAX);
	ipc_put_head(head, m->type, m->session);
	check(memcmp(head, packet, sizeof(head)) == 0);
}

static void
check_piece(const struct ipc_msg *m)
{
	struct ipc_piece p;
	uint8_t head[IPC_PIECE_HEAD];

	if (!ipc_read_piece(m, &p))
		return;
	check(ipc_put_piece_head(head, p.route, p.last) + p.len == m->len);
	check(memcmp(head, m->body, sizeof(head)) == 0 &&
	    p.data == m->body + sizeof(head));
}

/* What goes to the workers has no head. */
static void
check_name(const uint8_t *packet, size_t len)
{
	char name[IPC_NAME_TEXT + 1];
	uint8_t out[IPC_NAME_MAX];
	struct addr a;
	uint32_t id;

	if (ipc_read_name_ask(packet, len, &id, &a)) {
		check(len == IPC_NAME_ASK_LEN);
		ipc_put_name_ask(out, id, &a);
		check(memcmp(out, packet, len) == 0);
	}
	if (ipc_read_name(packet, len, &id, name))
		check(ipc_put_name(out, id, name) == len &&
		    memcmp(out, packet, len) == 0);
}

static void
check_ask(const uint8_t *packet, size_t len)
{
	uint8_t out[IPC_ASK_MAX];
	struct ipc_ask a;
	uint32_t id;
	bool right;

	if (ipc_read_ask(packet, len, &a))
		check(ipc_put_ask(out, &a) == len &&
		    memcmp(out, packet, len) == 0);
	if (ipc_read_answer(packet, len, &id, &right)) {
		ipc_put_answer(out, id, right);
		check(memcmp(out, packet, len) == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	enum ipc_side from;
	struct ipc_msg m = { 0 };
	uint8_t *packet;

	if (len == 0 || (packet = malloc(len)) == NULL)
		return 0;
	from = in[0] & 1 ? IPC_FROM_ENGINE : IPC_FROM_PARENT;
	m.nfds = in[0] >> 1 & 7;
	m.cut = in[0] >> 4 & 1;
	memcpy(packet, in + 1, len - 1);
	if (ipc_read(&m, from, packet, len - 1)) {
		check_message(&m, packet, len - 1);
		check(from == IPC_FROM_PARENT || (m.nfds == 0 && !m.cut));
		check_open(&m);
		check_numbers(&m);
		check_admission(&m);
		check_beginning(&m);
		check_exit(&m);
		check_verdict(&m);
		check_files(&m);
		check_listen(&m);
		check_piece(&m);
	}
	check_ask(packet, len - 1);
	check_name(packet, len - 1);
	free(packet);
	return 0;
}
