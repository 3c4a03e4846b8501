#include "engine/ids.h"

void
ids_add(struct ids *t, struct id_node *n, uint32_t id)
{
	struct id_node **b = &t->bucket[id % IDS_BUCKETS];

	*n = (struct id_node){
		.id = id,
		.next_in_bucket = *b,
		.next = t->first,
		.link = &t->first,
	};
	*b = n;
	if (n->next != NULL)
		n->next->link = &n->next;
	t->first = n;
	t->n++;
}

void
ids_remove(struct ids *t, struct id_node *n)
{
	struct id_node **p = &t->bucket[n->id % IDS_BUCKETS];

	while (*p != n)
		p = &(*p)->next_in_bucket;
	*p = n->next_in_bucket;
	if (t->at == n)
		t->at = n->next;
	if ((*n->link = n->next) != NULL)
		n->next->link = n->link;
	t->n--;
}

struct id_node *
ids_find(const struct ids *t, uint32_t id)
{
	struct id_node *n = t->bucket[id % IDS_BUCKETS];

	while (n != NULL && n->id != id)
		n = n->next_in_bucket;
	return n;
}
