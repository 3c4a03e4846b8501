/*
 * Finding the program that a command names, and saying why it does not run.
 */
#ifndef PROC_PROGRAM_H
#define PROC_PROGRAM_H

struct spawn_spec;

/*
 * As a shell does it in `search`, which is like $PATH: but of that only the
 * absolute folders. Gives an absolute path, or NULL with errno.
 */
char *program_find(const char *name, const char *search);

/*
 * Why a script cannot run, as an owned sentence: its interpreter is missing.
 * NULL: it is none, or nothing is seen to be wrong.
 */
char *program_judge_script(const char *path);

/* Why spawn() has just failed with this errno, as an owned sentence. */
char *program_explain(const struct spawn_spec *, int err);

#endif
