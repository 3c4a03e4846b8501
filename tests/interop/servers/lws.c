/*
 * libwebsockets, with a protocol of its own and nothing for those who offer
 * others: it hangs up on them.
 *
 * packages: libwebsockets
 * cannot: big orders compress
 */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <libwebsockets.h>

enum { ROOM = 65536 };

/* What was received and is to go back: a fragment, or an empty message. */
struct guest {
	unsigned char data[LWS_PRE + ROOM];
	size_t len;
	bool binary, first, last;
	bool waits; /* for the connection to be writable */
};

static int
take(struct lws *wsi, struct guest *g, const void *data, size_t len)
{
	if (len > ROOM)
		return -1;
	if (len > 0)
		memcpy(g->data + LWS_PRE, data, len);
	g->len = len;
	g->first = lws_is_first_fragment(wsi);
	g->last = lws_is_final_fragment(wsi);
	g->binary = lws_frame_is_binary(wsi);
	g->waits = true;
	lws_rx_flow_control(wsi, 0);
	lws_callback_on_writable(wsi);
	return 0;
}

static int
give(struct lws *wsi, struct guest *g)
{
	int kind =
	    lws_write_ws_flags(g->binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT,
		g->first, g->last);
	int n;

	if (!g->waits)
		return 0;
	n = lws_write(wsi, g->data + LWS_PRE, g->len,
	    (enum lws_write_protocol)kind);
	g->waits = false;
	lws_rx_flow_control(wsi, 1);
	return n < (int)g->len ? -1 : 0;
}

static int
on_event(struct lws *wsi, enum lws_callback_reasons why, void *guest, void *in,
    size_t len)
{
	if (why == LWS_CALLBACK_RECEIVE)
		return take(wsi, guest, in, len);
	if (why == LWS_CALLBACK_SERVER_WRITEABLE)
		return give(wsi, guest);
	return 0;
}

int
main(void)
{
	static const struct lws_protocols protocols[] = {
		{ "chat", on_event, sizeof(struct guest), ROOM, 0, NULL, 0 },
		{ NULL, NULL, 0, 0, 0, NULL, 0 },
	};
	struct lws_context_creation_info info = {
		.port = 0,
		.iface = "127.0.0.1",
		.protocols = protocols,
	};
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	struct lws_context *context;
	struct lws_vhost *host;

	lws_set_log_level(0, NULL);
	info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
	if ((context = lws_create_context(&info)) == NULL ||
	    (host = lws_create_vhost(context, &info)) == NULL)
		return 1;
	printf("ws://127.0.0.1:%d/\n", lws_get_vhost_listen_port(host));
	fflush(stdout);
	while (poll(&in, 1, 0) == 0)
		lws_service(context, 0);
	lws_context_destroy(context);
	return 0;
}
