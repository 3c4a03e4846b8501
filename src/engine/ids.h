/*
 * What an engine has under a number: connections, and programs asked of the
 * parent. A node is embedded in each; the numbers go through ipc and the log.
 */
#ifndef ENGINE_IDS_H
#define ENGINE_IDS_H

#include <stddef.h>
#include <stdint.h>

enum { IDS_BUCKETS = 4096 };

struct id_node {
	uint32_t id;
	struct id_node *next_in_bucket;
	struct id_node *next, **link; /* all of the table */
};

struct ids {
	struct id_node *bucket[IDS_BUCKETS];
	struct id_node *first; /* of all; each has its `next` */
	struct id_node *at;    /* who looks at all of them is here; or NULL */
	size_t n;
};

/* Keeps the node; its number must not be in the table. */
void ids_add(struct ids *, struct id_node *, uint32_t id);
void ids_remove(struct ids *, struct id_node *);

/* NULL: no such. */
struct id_node *ids_find(const struct ids *, uint32_t id);

#endif
