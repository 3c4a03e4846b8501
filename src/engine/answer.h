/*
 * Short answers of our own: errors, and the console page.
 *
 * Used by: engine/conn.c, route.c.
 */
#ifndef ENGINE_ANSWER_H
#define ENGINE_ANSWER_H

struct conn;
struct refusal;

/*
 * Answer with an error: its sentence as body, and the fields that its status
 * demands. conn_refuse() logs and calls this.
 */
void answer_error(struct conn *, const struct refusal *);

/* The console page, with a Content-Security-Policy that fits it. */
void answer_console(struct conn *);

#endif
