/*
 * Connecting to one of several addresses (RFC 8305, "happy eyeballs"): they are
 * tried one after the other, without waiting long for any of them. The first
 * that answers wins, and the others are let go.
 */
#ifndef CLIENT_DIAL_RACE_H
#define CLIENT_DIAL_RACE_H

struct dial_addresses;
struct event_base;
struct outcome;
struct dial_race;

/* One of them comes, once and from the loop; then only dial_race_free(). */
struct dial_race_ops {
	void (*on_won)(void *owner, int fd); /* taken; non-blocking */
	void (*on_lost)(void *owner, const struct outcome *);
};

/* Copies the addresses, at least one; keeps base, ops and owner. */
struct dial_race *dial_race_new(struct event_base *,
    const struct dial_addresses *, const struct dial_race_ops *, void *owner);

/* From its own callbacks, too; what goes on is given up. NULL is accepted. */
void dial_race_free(struct dial_race *);

#endif
