/*
 * Files of the static folder: what was asked for is found beneath it, and sent
 * as fast as the client takes it, a piece at a time.
 */
#ifndef ENGINE_FILE_H
#define ENGINE_FILE_H

struct beneath;
struct request;

/* Answer a request for a page from the folder, whatever comes of it. */
void file_serve(struct request *, const struct beneath *root);

#endif
