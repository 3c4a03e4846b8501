#include <string.h>

#include "base/addr.h"
#include "base/base.h"
#include "base/buf.h"
#include "codec/authority.h"
#include "codec/socks5.h"

enum {
	SOCKS_VERSION = 5,
	USER_VERSION = 1,
	COMMAND_CONNECT = 1,
	METHOD_NONE = 0,
	METHOD_USER = 2,
	TYPE_IPV4 = 1,
	TYPE_NAME = 3,
	TYPE_IPV6 = 4,
	TEXT_MAX = 255,
	REPLY_HEAD =
	    5, /* version, reply, zero, type, the first of an address */
	REPLY_REST =
	    6, /* REPLY_HEAD and two for the port, but that first one */
};

enum state {
	STATE_METHOD,
	STATE_USER,
	STATE_REPLY_HEAD,
	STATE_REPLY,
	STATE_THROUGH,
};

static void
await(struct socks5 *s, enum state state, size_t need)
{
	s->state = (uint8_t)state;
	s->have = 0;
	s->need = need;
}

/* ------------------------------------------------- what we send */

static bool
put_text(struct buf *out, const char *text)
{
	size_t len = strlen(text);

	return len <= TEXT_MAX && buf_add_byte(out, (uint8_t)len) &&
	    buf_add(out, text, len);
}

bool
socks5_begin(struct socks5 *s, const struct authority *to,
    const struct authority *as, struct buf *out)
{
	const uint8_t none[] = { SOCKS_VERSION, 1, METHOD_NONE };
	const uint8_t both[] = { SOCKS_VERSION, 2, METHOD_NONE, METHOD_USER };

	*s = (struct socks5){ .to = to, .as = as };
	await(s, STATE_METHOD, 2);
	return as->has_user ? buf_add(out, both, sizeof(both))
			    : buf_add(out, none, sizeof(none));
}

static bool
put_address(struct buf *out, const char *host)
{
	struct addr a;

	if (!addr_read(&a, host, strlen(host)))
		return buf_add_byte(out, TYPE_NAME) && put_text(out, host);
	if (addr_is_ipv4(&a))
		return buf_add_byte(out, TYPE_IPV4) &&
		    buf_add(out, a.byte + 12, 4);
	return buf_add_byte(out, TYPE_IPV6) && buf_add(out, a.byte, 16);
}

static enum socks5_result
ask(struct socks5 *s, struct buf *out)
{
	const uint8_t head[] = { SOCKS_VERSION, COMMAND_CONNECT, 0 };
	const uint8_t port[] = { (uint8_t)(s->to->port >> 8),
		(uint8_t)s->to->port };

	await(s, STATE_REPLY_HEAD, REPLY_HEAD);
	return buf_add(out, head, sizeof(head)) &&
		put_address(out, s->to->host) &&
		buf_add(out, port, sizeof(port))
	    ? SOCKS5_MORE
	    : SOCKS5_ERR_LONG;
}

static enum socks5_result
introduce(struct socks5 *s, struct buf *out)
{
	await(s, STATE_USER, 2);
	return buf_add_byte(out, USER_VERSION) && put_text(out, s->as->user) &&
		put_text(out, s->as->password)
	    ? SOCKS5_MORE
	    : SOCKS5_ERR_LONG;
}

/* ------------------------------------------------- what it answers */

static enum socks5_result
read_method(struct socks5 *s, struct buf *out)
{
	if (s->answer[0] != SOCKS_VERSION)
		return SOCKS5_ERR_OTHER;
	if (s->answer[1] == METHOD_NONE)
		return ask(s, out);
	if (s->answer[1] == METHOD_USER && s->as->has_user)
		return introduce(s, out);
	return SOCKS5_ERR_METHOD;
}

/* RFC 1929 has a version of its own; some proxies answer with SOCKS's. */
static enum socks5_result
read_user(struct socks5 *s, struct buf *out)
{
	if (s->answer[0] != USER_VERSION && s->answer[0] != SOCKS_VERSION)
		return SOCKS5_ERR_OTHER;
	return s->answer[1] == 0 ? ask(s, out) : SOCKS5_ERR_USER;
}

static enum socks5_result
read_reply_head(struct socks5 *s)
{
	const uint8_t *a = s->answer;
	size_t address = a[3] == TYPE_IPV4 ? 4
	    : a[3] == TYPE_IPV6            ? 16
	    : a[3] == TYPE_NAME            ? 1 + (size_t)a[4]
					   : 0;

	if (a[0] != SOCKS_VERSION)
		return SOCKS5_ERR_OTHER;
	if (a[1] > 8)
		return SOCKS5_ERR_FAILED;
	if (a[1] != 0)
		return (enum socks5_result)(SOCKS5_ERR_FAILED + 1 - a[1]);
	if (address == 0)
		return SOCKS5_ERR_OTHER;
	s->state = STATE_REPLY;
	s->need = REPLY_REST + address;
	return SOCKS5_MORE;
}

static enum socks5_result
read_answer(struct socks5 *s, struct buf *out)
{
	switch ((enum state)s->state) {
	case STATE_METHOD:
		return read_method(s, out);
	case STATE_USER:
		return read_user(s, out);
	case STATE_REPLY_HEAD:
		return read_reply_head(s);
	case STATE_REPLY:
	case STATE_THROUGH:
		break;
	}
	s->state = STATE_THROUGH;
	return SOCKS5_THROUGH;
}

enum socks5_result
socks5_read(struct socks5 *s, const uint8_t *in, size_t len, size_t *used,
    struct buf *out)
{
	enum socks5_result rc =
	    s->state == STATE_THROUGH ? SOCKS5_THROUGH : SOCKS5_MORE;

	*used = 0;
	while (rc == SOCKS5_MORE && *used < len) {
		s->answer[s->have++] = in[(*used)++];
		if (s->have == s->need)
			rc = read_answer(s, out);
	}
	return rc;
}

const char *
socks5_strresult(enum socks5_result rc)
{
	switch (rc) {
	case SOCKS5_MORE:
		return "it has not answered yet";
	case SOCKS5_THROUGH:
		return "it has connected us";
	case SOCKS5_ERR_LONG:
		return "SOCKS5 has no room for a name, user or password of "
		       "over 255 bytes";
	case SOCKS5_ERR_OTHER:
		return "it does not speak SOCKS5";
	case SOCKS5_ERR_METHOD:
		return "it wants a user and password, or another proof of who "
		       "we are";
	case SOCKS5_ERR_USER:
		return "it does not accept user and password";
	case SOCKS5_ERR_FAILED:
		return "it failed";
	case SOCKS5_ERR_RULES:
		return "its rules do not allow it";
	case SOCKS5_ERR_NETWORK:
		return "network unreachable";
	case SOCKS5_ERR_HOST:
		return "host unreachable";
	case SOCKS5_ERR_REFUSED:
		return "connection refused";
	case SOCKS5_ERR_TTL:
		return "the time to live ran out on the way";
	case SOCKS5_ERR_COMMAND:
		return "it does not make connections";
	case SOCKS5_ERR_ADDRESS:
		return "it does not know such addresses";
	}
	return "unknown result";
}
