/*
 * The pages that live inside the engine.
 *
 * Each page is one self-contained HTML file: build-aux/embed puts the style
 * and the script where the HTML names them and writes the result out as C.
 * The bytes are constant, so nothing of a request can ever be part of them,
 * and a page is sent with a Content-Security-Policy that allows exactly this
 * one script and this one style, by the SHA-256 (base64) of their ranges:
 *
 *	default-src 'none'; script-src 'sha256-...'; style-src 'sha256-...';
 *	connect-src 'self'; base-uri 'none'; form-action 'none';
 *	frame-ancestors 'none'
 *
 * The pages hold no style attribute, no inline handler and no image, so the
 * policy needs nothing more. The content is UTF-8 (text/html; charset=utf-8).
 */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include <stddef.h>

/* The test console: web_console_len bytes, not ended by a NUL. */
extern const unsigned char web_console[];
extern const size_t web_console_len;

/* What stands between <script> and </script>, as offset and length. */
extern const size_t web_console_script_at;
extern const size_t web_console_script_len;

/* The same for <style> and </style>. */
extern const size_t web_console_style_at;
extern const size_t web_console_style_len;

#endif
