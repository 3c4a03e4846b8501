/*
 * Through a proxy: a connection to it becomes one to a server that it reaches,
 * by HTTP's CONNECT (RFC 9110, section 9.3.6) or by SOCKS5.
 */
#ifndef CLIENT_DIAL_TUNNEL_H
#define CLIENT_DIAL_TUNNEL_H

struct authority;
struct event_base;
struct outcome;
struct proxy;
struct stream;
struct dial_tunnel;

/* One of them comes, once and from the loop; then only dial_tunnel_free(). */
struct dial_tunnel_ops {
	void (*on_through)(void *owner, struct stream *); /* taken; paused */
	void (*on_stuck)(void *owner, const struct outcome *);
};

/*
 * Takes the stream, which is paused; keeps base, the proxy, where it shall lead
 * to (the port is set), ops and owner.
 */
struct dial_tunnel *dial_tunnel_new(struct event_base *, struct stream *,
    const struct proxy *, const struct authority *to,
    const struct dial_tunnel_ops *, void *owner);

/* From its own callbacks, too; what goes on is given up. NULL is accepted. */
void dial_tunnel_free(struct dial_tunnel *);

#endif
