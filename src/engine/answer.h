/*
 * Short answers of our own: errors, and the console page.
 *
 * Used by: engine/conn.c, route.c.
 */
#ifndef ENGINE_ANSWER_H
#define ENGINE_ANSWER_H

struct conn;
struct refusal;
struct request;

/*
 * Answer with an error: the page for it, if there is one and the client can do
 * with it, else its sentence, and the fields that its status demands.
 * conn_refuse() logs and calls this.
 */
void answer_error(struct request *, const struct refusal *);

/* The console page, with a Content-Security-Policy that fits it. */
void answer_console(struct conn *);

#endif
