/*
 * Connecting to one of several addresses (RFC 8305, "happy eyeballs"): they are
 * tried one after the other, without waiting long for any of them. The first
 * that answers wins, and the others are let go.
 */
#ifndef CLIENT_RACE_H
#define CLIENT_RACE_H

struct addresses;
struct event_base;
struct outcome;
struct race;

/* One of them comes, once and from the loop; then only race_free(). */
struct race_ops {
	void (*on_won)(void *owner, int fd); /* taken; non-blocking */
	void (*on_lost)(void *owner, const struct outcome *);
};

/* Copies the addresses, at least one; keeps base, ops and owner. */
struct race *race_new(struct event_base *, const struct addresses *,
    const struct race_ops *, void *owner);

/* From its own callbacks, too; what goes on is given up. NULL is accepted. */
void race_free(struct race *);

#endif
