/*
 * The engine's side of the files of TLS (ipc/ipc_tls.h): it gathers what the
 * parent has read, makes a set of it aside, says what that is worth, and uses
 * it when it is told to.
 */
#ifndef ENGINE_CERTS_H
#define ENGINE_CERTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct conf;
struct engine;
struct ipc_msg;
struct tls;
struct tls_set;

struct certs {
	struct tls *tls;       /* owned: what new connections get */
	struct buf bytes;      /* of the set that is arriving */
	uint32_t arriving;     /* its number; 0: none is */
	uint32_t uses;         /* number of the set in use; 0: none yet */
	uint32_t asides;       /* number of the one aside */
	struct tls_set *aside; /* owned; NULL: none */
	bool started;
};

/* Keeps the settings, which may come later. */
void certs_init(struct certs *, const struct conf *);
void certs_clear(struct certs *);

/*
 * The settings are there: judge the set to begin with, if there is one, and say
 * so to the parent. False if it cannot be used.
 */
bool certs_start(struct certs *, struct engine *);

/* What the parent says; false if it makes no sense. */
bool certs_on_part(struct certs *, const struct ipc_msg *);
bool certs_on_check(struct certs *, struct engine *, const struct ipc_msg *);
bool certs_on_use(struct certs *, const struct ipc_msg *);
bool certs_on_tickets(struct certs *, const struct ipc_msg *);

#endif
