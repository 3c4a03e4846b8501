/*
 * The files of TLS: certificates, keys, OCSP responses, authorities of clients.
 * They are read here, so that they may stay root's, and judged by the engines,
 * because nothing here can: ipc/ipc_tls.h has the conversation. A set comes
 * into use when all engines have found it good; until then, and if they have
 * not, the one before it stays. The same files are good or bad for all of them:
 * one that judges as no other does is replaced, and the next one is asked.
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

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "ipc/ipc.h"
#include "ipc/ipc_tls.h"
#include "parent/loop.h"

struct certs_file;
struct conf;
struct engine;
struct ipc_msg;

/* What an engine has to do with it: embedded, one for each place of one. */
struct certs_user {
	LIST_ENTRY(certs_user) entry;
	struct engine *engine; /* kept: whose it is */
	enum {
		CERTS_AWAY = 0, /* that place is empty */
		CERTS_BEGUN,    /* it was told what to use */
		CERTS_WORKS,    /* and uses that */
	} state;
	uint64_t since;   /* when it began */
	uint32_t uses;    /* number of the set that it was told to use */
	uint32_t agreed;  /* of the latest that it found good */
	uint32_t refused; /* and bad */
};

/* To whoever has the engines. */
struct certs_ops {
	/* Tell it that; false if it does not take it. */
	bool (*tell)(struct engine *, enum ipc_type, uint32_t set,
	    const void *body, size_t len);
	/* It may not go on: certs_on_gone() follows, at once or later. */
	void (*lose)(struct engine *, const char *why);
	/* No engine can begin with these files; the log says why. */
	void (*on_unusable)(void *owner);
};

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
	const struct certs_ops *ops; /* kept */
	void *owner;                 /* kept */
	struct loop *loop;           /* kept */
	LIST_HEAD(, certs_user) users;
	struct certs_file *files; /* owned, n of them; n is 0 without TLS */
	size_t n;
	struct certs_set current;
	struct certs_set coming; /* that engines are asked about */
	uint32_t last;           /* number of a set */
	struct loop_timer judge; /* then engines that said nothing go */
	struct loop_timer look, renew;
	uint8_t tickets[IPC_TICKET_KEYS * IPC_TICKET_KEY];
	size_t ntickets; /* bytes */
	bool serving;    /* all could begin with what there is */
	bool stopped;
};

/*
 * Read what the settings name, if there is TLS; keeps all it gets. False and an
 * owned sentence in *why.
 */
bool certs_open(struct certs *, struct loop *, const struct conf *,
    const struct certs_ops *, void *owner, char **why);
void certs_close(struct certs *);

/* There is a place for an engine, which may be empty. Keeps both. */
void certs_add(struct certs *, struct certs_user *, struct engine *);

/* One begins there: tell it what to use. False if it does not take it. */
bool certs_on_begin(struct certs *, struct certs_user *);

/* It works: it hears of what happened meanwhile. */
void certs_on_ready(struct certs *, struct certs_user *);

/* What it says of a set; false if that makes no sense. */
bool certs_on_verdict(struct certs *, struct certs_user *,
    const struct ipc_msg *);

/* It has gone, and what it would say is not waited for. */
void certs_on_gone(struct certs *, struct certs_user *);

/*
 * All have begun. From now on an engine that cannot use the files is at fault
 * itself, and files that have changed are of interest.
 */
void certs_serve(struct certs *);

/* Read the files now. */
void certs_reload(struct certs *);

/* Nothing happens by itself any more, and nothing is judged. */
void certs_stop(struct certs *);

#endif
