#include <inttypes.h>
#include <stdio.h>

#include "base/base.h"
#include "client/client_conf.h"
#include "client/talk_input.h"

void
talk_input_init(struct talk_input *in, int how)
{
	*in = (struct talk_input){ .is_hex = how == CLIENT_HEX };
	framing_init(&in->framing, client_conf_framing(how), true);
}

void
talk_input_clear(struct talk_input *in)
{
	framing_clear(&in->framing);
}

static enum framing_result
judge(struct talk_input *in, enum framing_result rc)
{
	char why[FRAMING_WHY_SIZE];

	if (rc < 0) {
		framing_put_why(&in->framing, rc, why);
		(void)snprintf(in->why, sizeof(in->why), "the input: %s", why);
	}
	return rc;
}

/* A fault is one of a kind that framings have, too; `why` has the place. */
static enum framing_result
judge_hex(struct talk_input *in, enum hex_result rc, const struct piece *out)
{
	if (rc == HEX_MORE)
		return FRAMING_MORE;
	if (rc == HEX_PIECE) {
		in->begun = !out->last;
		return FRAMING_PIECE;
	}
	(void)snprintf(in->why, sizeof(in->why),
	    "line %" PRIu64 " of the input: %s", in->hex.line + 1,
	    hex_strresult(rc));
	return FRAMING_ERR_TYPE;
}

enum framing_result
talk_input_read(struct talk_input *in, uint8_t *data, size_t len, size_t *used,
    struct piece *out)
{
	enum hex_result rc;

	if (!in->is_hex)
		return judge(in,
		    framing_read(&in->framing, data, len, used, out));
	*out = (struct piece){ .first = !in->begun, .data = data };
	rc = hex_read(&in->hex, data, len, used, &out->len, &out->last);
	return judge_hex(in, rc, out);
}

enum framing_result
talk_input_end(struct talk_input *in, struct piece *out)
{
	enum hex_result rc;

	if (!in->is_hex)
		return judge(in, framing_end(&in->framing, out));
	*out = (struct piece){ .first = !in->begun };
	rc = hex_end(&in->hex, &out->last);
	return judge_hex(in, rc, out);
}
