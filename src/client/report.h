/*
 * What is said about a call: sentences when it failed, what happened with
 * --verbose, all facts with --json.
 */
#ifndef CLIENT_REPORT_H
#define CLIENT_REPORT_H

struct client_conf;
struct facts;
struct outcome;

/* It has come that far, for --verbose. */
void report_connected(const struct client_conf *, const struct facts *);
void report_open(const struct client_conf *, const struct facts *);

/* It is over. Nothing is said if all went well and nobody asks. */
void report_over(const struct client_conf *, const struct facts *,
    const struct outcome *);

#endif
