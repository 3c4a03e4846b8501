#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/buf.h"
#include "codec/http1.h"

const char *
http1_reason(unsigned status)
{
	static const struct {
		unsigned status;
		const char *reason;
	} reasons[] = {
		{ 101, "Switching Protocols" },
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 203, "Non-Authoritative Information" },
		{ 204, "No Content" },
		{ 205, "Reset Content" },
		{ 206, "Partial Content" },
		{ 300, "Multiple Choices" },
		{ 301, "Moved Permanently" },
		{ 302, "Found" },
		{ 303, "See Other" },
		{ 304, "Not Modified" },
		{ 307, "Temporary Redirect" },
		{ 308, "Permanent Redirect" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 402, "Payment Required" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 406, "Not Acceptable" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 410, "Gone" },
		{ 411, "Length Required" },
		{ 412, "Precondition Failed" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 416, "Range Not Satisfiable" },
		{ 417, "Expectation Failed" },
		{ 421, "Misdirected Request" },
		{ 422, "Unprocessable Content" },
		{ 426, "Upgrade Required" },
		{ 428, "Precondition Required" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 451, "Unavailable For Legal Reasons" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
		{ 505, "HTTP Version Not Supported" },
		{ 511, "Network Authentication Required" },
	};

	for (size_t i = 0; i < nitems(reasons); i++) {
		if (reasons[i].status == status)
			return reasons[i].reason;
	}
	return "Unknown";
}

/* A line end inside a value would let it write fields of its own. */
static bool
value_ok(const char *value)
{
	for (; *value != '\0'; value++) {
		uint8_t c = (uint8_t)*value;

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static bool
put_field(struct buf *out, const struct http1_out *f)
{
	return http1_is_token(f->name, strlen(f->name)) && value_ok(f->value) &&
	    buf_add_str(out, f->name) && buf_add_str(out, ": ") &&
	    buf_add_str(out, f->value) && buf_add_str(out, "\r\n");
}

/* The fields and the empty line after a first line that was or was not put. */
static bool
put_fields(struct buf *out, size_t before, bool ok,
    const struct http1_out *fields, size_t n)
{
	for (size_t i = 0; ok && i < n; i++)
		ok = put_field(out, &fields[i]);
	if (ok && buf_add_str(out, "\r\n"))
		return true;
	out->len = before;
	return false;
}

bool
http1_put_response(struct buf *out, unsigned status, const char *reason,
    const struct http1_out *fields, size_t n)
{
	size_t before = out->len;
	char line[32];
	bool ok;

	if (reason == NULL)
		reason = http1_reason(status);
	snprintf(line, sizeof(line), "HTTP/1.1 %u ", status);
	ok = value_ok(reason) && buf_add_str(out, line) &&
	    buf_add_str(out, reason) && buf_add_str(out, "\r\n");
	return put_fields(out, before, ok, fields, n);
}

static bool
target_ok(const char *target)
{
	for (const char *p = target; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	return *target != '\0';
}

bool
http1_put_request(struct buf *out, const char *method, const char *target,
    const struct http1_out *fields, size_t n)
{
	size_t before = out->len;
	bool ok = http1_is_token(method, strlen(method)) && target_ok(target) &&
	    buf_add_str(out, method) && buf_add_byte(out, ' ') &&
	    buf_add_str(out, target) && buf_add_str(out, " HTTP/1.1\r\n");

	return put_fields(out, before, ok, fields, n);
}
