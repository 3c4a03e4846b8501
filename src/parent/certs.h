/*
 * The files of TLS: certificates, keys, OCSP responses, authorities of clients.
 * They are read here, so that they may stay root's, and judged by the engines,
 * because nothing here can: ipc/ipc_tls.h has the conversation. A set comes
 * into use when all engines have found it good; until then, and if they have
 * not, the one before it stays. The same files are good or bad for all of them:
 * who judges as no other does is replaced, and who takes his place is asked.
 *
 * The files are read again at SIGHUP, and when they have changed and then stood
 * still for WATCH_MS. The keys of session tickets are made here too, and
 * renewed every hour: one engine resumes what another began.
 *
 * What the files hold is in no log, and overwritten when it is not needed any
 * more. The set in use is needed for engines that start.
 */
#ifndef PARENT_CERTS_H
#define PARENT_CERTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "ipc/ipc_tls.h"
#include "parent/loop.h"

struct certs_file;
struct conf;
struct daemon;
struct engine;
struct ipc_msg;

struct certs_set {
	uint32_t number; /* 0: there is none */
	struct buf bytes;
	bool remarked; /* an engine had words for it, which were logged */
	bool
	    disputed; /* they disagreed: nothing is settled before all say so */
	struct ipc_verdict refusal; /* the latest; its text: below */
	char why[IPC_TLS_WHY];
};

struct certs {
	struct daemon *daemon;    /* kept */
	struct loop *loop;        /* kept */
	struct certs_file *files; /* owned, n of them; n is 0 without TLS */
	size_t n;
	struct certs_set current;
	struct certs_set coming; /* that engines are asked about */
	uint32_t last;           /* number of a set */
	struct loop_timer judge; /* then engines that said nothing go */
	struct loop_timer look, renew;
	uint8_t tickets[IPC_TICKET_KEYS * IPC_TICKET_KEY];
	size_t ntickets; /* bytes */
};

/* What an engine has to do with it. */
struct certs_user {
	uint32_t uses;    /* number of the set that it was told to use */
	uint32_t agreed;  /* of the latest that it found good */
	uint32_t refused; /* and bad */
};

/*
 * Read what the settings name, if there is TLS; keeps daemon and settings.
 * False and an owned sentence in *why.
 */
bool certs_open(struct certs *, struct daemon *, const struct conf *,
    char **why);
void certs_close(struct certs *);

/* Tell an engine that starts; false if it does not take it. */
bool certs_tell(struct certs *, struct engine *);

/* It is ready: it hears of what happened meanwhile. */
void certs_engine_ready(struct certs *, struct engine *);

/* What it says of a set; false if that makes no sense. */
bool certs_on_verdict(struct certs *, struct engine *, const struct ipc_msg *);

/* It has gone, so that nobody waits for what it says. */
void certs_engine_lost(struct certs *);

/* Read the files now. */
void certs_reload(struct certs *);

/* Nothing happens by itself any more. */
void certs_stop(struct certs *);

#endif
