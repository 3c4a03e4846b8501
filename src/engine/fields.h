/*
 * Fields that the settings add to answers (--header and its like), taken apart
 * once.
 */
#ifndef ENGINE_FIELDS_H
#define ENGINE_FIELDS_H

#include <stddef.h>

#include "codec/http1.h"

struct conf_list;

struct fields {
	struct http1_out *v; /* owned, with the texts in it */
	size_t n;
};

/* Two lists of "NAME: VALUE" (borrowed), one after the other. */
void fields_init(struct fields *, const struct conf_list *,
    const struct conf_list *);
void fields_clear(struct fields *);

#endif
