/*
 * A folder whose files are asked for by path: opened once, before anything can
 * be asked, and never left again.
 */
#ifndef PARENT_FOLDER_H
#define PARENT_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

struct folder {
	int fd;     /* owned; -1: there is none */
	char *path; /* owned: absolute, without links */
};

/*
 * Open what --option=path names. False and an owned sentence in *why.
 */
bool folder_open(struct folder *, const char *option, const char *path,
    char **why);
void folder_close(struct folder *);

/* Whether inner is outer, or somewhere below it, by name or by identity. */
bool folder_holds(const struct folder *outer, const struct folder *inner);

/*
 * The program that path[0..len) (ipc_path_ok()) begins with: its first
 * components that name a file. Gives its absolute path, the file itself in *fd,
 * and in *name_len how much of path that is. NULL with errno: folder_lacks()
 * tells that there is no such program from trouble of our own.
 */
char *folder_find_program(const struct folder *, const char *path, size_t len,
    size_t *name_len, int *fd);
bool folder_lacks(int err);

#endif
