/*
 * What the parent and an engine say to each other.
 *
 * One SOCK_SEQPACKET socketpair for each engine, so a message is a packet: a
 * head of eight bytes and a body. Descriptors travel from the parent to the
 * engine only. Neither side ever waits for an answer: the engine asks, goes
 * on, and finds its session again by number.
 *
 * A message that is not as the table in ipc_codec.c wants it costs the sender
 * its life if it is an engine.
 */
#ifndef IPC_IPC_H
#define IPC_IPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ended.h"

enum ipc_type {
	/* parent to engine */
	IPC_CONF = 1, /* a piece of the packed settings */
	IPC_LISTEN,   /* struct ipc_listen; carries the socket of that number */
	IPC_START,    /* settings and sockets are complete: accept */
	IPC_STOP,     /* stop accepting, send everybody away, end */
	IPC_OPENED,   /* it is there; carries the descriptors that lead to it */
	IPC_REFUSED,  /* it is not */
	IPC_EXITED,   /* it has ended */
	IPC_ADMITTED, /* the answer to IPC_ADMIT */
	/* engine to parent */
	IPC_READY, /* accepting */
	IPC_OPEN,  /* something that a route leads to, with these variables */
	IPC_KILL,  /* the client has gone: start the ladder */
	IPC_DONE,  /* the session is over (after an exit that asked for it) */
	IPC_ADMIT, /* somebody came: may he stay? (only if there are limits) */
	IPC_LEAVE, /* who was let in has gone: his seat */
	/* the files of TLS, see ipc_tls.h: parent to engine, and the answer */
	IPC_TLS_PART,    /* a piece of a set */
	IPC_TLS_CHECK,   /* it is complete: say what it is worth */
	IPC_TLS_USE,     /* new connections use it */
	IPC_TLS_TICKETS, /* the keys of session tickets, newest first */
	IPC_TLS_VERDICT,
	/* files, parent to engine */
	IPC_FOLDER, /* struct ipc_folder; carries its descriptor */
	/* who may come in, parent to engine */
	IPC_TOKENS, /* a piece of a route's file of tokens */
	IPC_LINK,   /* struct ipc_link; carries an end of a socket to it */
	IPC_FORGET, /* passwords have changed: what was right may be wrong */
	/* and parent to worker */
	IPC_PASSWORDS, /* a piece of a route's file of passwords */
	/* parent to engine */
	IPC_RETIRE, /* accept nobody any more, end with the last session */
	/* logins: engine to parent, and parent to engine */
	IPC_FAILED_LOGIN, /* of that address */
	IPC_BLOCKED,      /* it may not try again for a while */
	/* engine to parent again */
	IPC_SIGNAL, /* the client wants the command signalled */
	IPC_SPOILT, /* the socket of that number does not accept any more */
	/* parent to engine again */
	IPC_LIST, /* say in the log which sessions there are */
	IPC_TYPES,
};

enum {
	IPC_HEAD = 8,
	IPC_BODY_MAX = 64 * 1024,
	IPC_LISTEN_BODY = 7,
	IPC_START_BODY = 12,
	IPC_LINK_BODY = 8,
	IPC_FDS_MAX = 3,
	IPC_LISTENERS_MAX = 64, /* sockets that an engine is handed */
	IPC_ROUTES_MAX = 64,    /* that an engine serves */
	IPC_PATH_MAX = 4096,    /* bytes of the path of an IPC_OPEN */
	IPC_OPEN_HEAD = 12,     /* of what comes before that */
	IPC_OPEN_MAX = IPC_OPEN_HEAD + IPC_PATH_MAX,
	IPC_ADMIT_BODY = 17, /* what it is, and the address */
	IPC_ADMITTED_BODY = 12,
	IPC_FOLDER_BODY = 8,
	IPC_PIECE_HEAD = 5, /* before the bytes of a piece */
	IPC_BLOCKED_BODY = 20,
	IPC_VARS_MAX = 256,         /* those, counted */
	IPC_CONF_MAX = 1024 * 1024, /* the settings in all */
};

/* How clients that arrive at a socket are received. */
struct ipc_listen {
	enum { IPC_PLAIN, IPC_TLS, IPC_TLS_AUTO } tls;
	enum {
		IPC_REDIRECT_NONE,
		IPC_REDIRECT_PLAIN, /* who comes without TLS is sent on */
		IPC_REDIRECT_ALL,   /* everybody is */
	} redirect;
	bool proxy;     /* a PROXY header comes first */
	bool connected; /* it listens to nobody: it is the one client */
	bool to_https;  /* where a redirect leads */
	uint16_t to_port;
};

/* What of a route is meant: an engine can name nothing else. */
enum ipc_part {
	IPC_PART_COMMAND = 0, /* the one of the command line */
	IPC_PART_DIR,         /* one inside --dir, found by a path */
	IPC_PART_CGI,         /* one inside --cgidir */
	IPC_PART_GATE,        /* the gate */
	IPC_PARTS,
};

/* What a process beside the parent is there for. */
enum ipc_role {
	IPC_ROLE_ENGINE = 0, /* it serves clients */
	IPC_ROLE_AUTH,       /* the auth worker: passwords, see ipc_ask.h */
	IPC_ROLE_NAMES,      /* the names worker, see ipc_name.h */
	IPC_ROLES,
};

/*
 * Two of these processes get to each other: a SOCK_SEQPACKET socketpair, of
 * which each has an end and hears who has the other.
 */
struct ipc_link {
	enum ipc_role role;
	uint32_t index; /* its place; who is started anew in it has the same */
};

/*
 * What an engine begins with. The numbers of its connections and sessions are
 * `number`, and one every `step` after that: no two engines that live at a time
 * share one.
 */
struct ipc_start {
	uint32_t number, step;
	uint32_t engines; /* that serve, and share what there is */
};

/* Which folder of which route an IPC_FOLDER hands over. */
struct ipc_folder {
	uint32_t route;
	enum {
		IPC_FOLDER_STATIC = 0, /* --staticdir: stays open */
		IPC_FOLDER_ERRORS,     /* --errordir: read once, at the start */
		IPC_FOLDERS,
	} which;
};

/* Whether somebody may stay. */
enum ipc_admission {
	IPC_ADMIT_YES = 1,
	IPC_ADMIT_FULL,    /* max-connections */
	IPC_ADMIT_ADDRESS, /* max-per-address */
	IPC_ADMIT_RATE,
};

/* Why something was not opened. */
enum ipc_refusal {
	IPC_REFUSED_EXEC = 1, /* errno says why */
	IPC_REFUSED_FULL,     /* maxforks */
	IPC_REFUSED_STOPPING, /* the daemon stops, or --once has had its one */
	IPC_REFUSED_MISSING,  /* there is none; errno says more */
};

/* A command's end as the parent saw it. */
struct ipc_exit {
	struct ended ended;
	uint8_t want_done; /* send IPC_DONE when the session is over */
};

#endif
