/*
 * Finding the program that a command names.
 *
 * Used by: parent/command.c, client/command.c.
 */
#ifndef PROC_PROGRAM_H
#define PROC_PROGRAM_H

/*
 * As a shell does it in `search`, which is like $PATH: but of that only the
 * absolute folders. Gives an absolute path, or NULL with errno.
 */
char *program_find(const char *name, const char *search);

#endif
