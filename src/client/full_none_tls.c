/*
 * flow/seal and flow/tls_client for the program without TLS: nothing of it is
 * ever reached, because it becomes the other before it would be.
 */
#include "base/base.h"
#include "base/log.h"
#include "flow/seal.h"
#include "flow/tls_client.h"
#include "flow/tls_words.h"

static void attr_noreturn
none(void)
{
	bug("TLS in the program that has none");
}

struct seal *
seal_new(struct flow *flow, struct ssl_st *ssl)
{
	(void)flow;
	(void)ssl;
	none();
}

void
seal_free(struct seal *c)
{
	if (c != NULL)
		none();
}

enum seal_result
seal_shake(struct seal *c, const uint8_t *in, size_t len, size_t *used)
{
	(void)c;
	(void)in;
	(void)len;
	(void)used;
	none();
}

bool
seal_is_client(const struct seal *c)
{
	(void)c;
	none();
}

bool
seal_is_text(const struct seal *c, const uint8_t *in, size_t len)
{
	(void)c;
	(void)in;
	(void)len;
	none();
}

bool
seal_is_up(const struct seal *c)
{
	(void)c;
	none();
}

enum seal_result
seal_read(struct seal *c, const uint8_t *in, size_t len, uint8_t *out,
    size_t *n)
{
	(void)c;
	(void)in;
	(void)len;
	(void)out;
	(void)n;
	none();
}

bool
seal_has_ended(const struct seal *c)
{
	(void)c;
	none();
}

enum seal_result
seal_write(struct seal *c, struct seal_pieces *p)
{
	(void)c;
	(void)p;
	none();
}

void
seal_end(struct seal *c)
{
	(void)c;
	none();
}

const char *
seal_fault(const struct seal *c)
{
	(void)c;
	none();
}

struct ssl_st *
seal_ssl(const struct seal *c)
{
	(void)c;
	none();
}

struct tls_client *
tls_client_new(const struct tls_client_conf *conf, char **why)
{
	(void)conf;
	(void)why;
	none();
}

void
tls_client_free(struct tls_client *t)
{
	if (t != NULL)
		none();
}

struct ssl_st *
tls_client_open(struct tls_client *t, const char *host)
{
	(void)t;
	(void)host;
	none();
}

const char *
tls_client_doubt(const struct ssl_st *ssl)
{
	(void)ssl;
	none();
}

void
tls_words_seen(const struct ssl_st *ssl, struct tls_seen *seen)
{
	(void)ssl;
	(void)seen;
	none();
}
