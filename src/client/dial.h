/*
 * From a URL to a connection: its name is looked up (client/dial_resolve.h),
 * its addresses are tried (client/dial_race.h), a proxy is asked to go on from
 * there (client/dial_tunnel.h); a Unix socket is just that.
 */
#ifndef CLIENT_DIAL_H
#define CLIENT_DIAL_H

struct client;
struct dial;
struct outcome;
struct stream;
struct ws_url;

/* One of them comes, once and from the loop; then only dial_free(). */
struct dial_ops {
	/* The connection, taken, and paused. */
	void (*on_connected)(void *owner, struct stream *);
	void (*on_failed)(void *owner, const struct outcome *);
};

/* Connect to where the URL says; keeps all of them. */
struct dial *dial_new(struct client *, const struct ws_url *,
    const struct dial_ops *, void *owner);

/* From its own callbacks, too; what goes on is given up. NULL is accepted. */
void dial_free(struct dial *);

#endif
