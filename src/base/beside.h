/*
 * Programs of ours that others of ours start or become.
 */
#ifndef BASE_BESIDE_H
#define BASE_BESIDE_H

/*
 * The path of the program `name`: beside our own executable, so that a build
 * runs where it was made, otherwise in libexecdir. Gives it; NULL: it is in
 * neither, and *why is an owned sentence.
 */
char *beside_find(const char *name, char **why);

#endif
