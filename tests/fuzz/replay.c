/*
 * Feeds every file that is named on the command line, or that a folder named
 * there holds, to a fuzz target, so that `make check` replays the corpora without a fuzzer. Built together
 * with one target; a folder that is missing or empty is an error.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* The input in memory of exactly its size, so that a sanitizer sees its end. */
static bool
replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = NULL;
	struct stat st;
	size_t len = 0;
	bool ok = false;

	if (f == NULL || fstat(fileno(f), &st) == -1)
		goto done;
	len = (size_t)st.st_size;
	if ((data = malloc(len > 0 ? len : 1)) == NULL ||
	    fread(data, 1, len, f) != len)
		goto done;
	LLVMFuzzerTestOneInput(data, len);
	ok = true;
done:
	if (!ok)
		perror(path);
	free(data);
	if (f != NULL)
		fclose(f);
	return ok;
}

/* How many files were replayed; -1 if one could not be. */
static int
replay_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	int n = 0;

	if (dir == NULL) {
		perror(folder);
		return -1;
	}
	while (n >= 0 && (entry = readdir(dir)) != NULL) {
		char path[4096];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		n = replay_file(path) ? n + 1 : -1;
	}
	closedir(dir);
	return n;
}

static bool
is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		int n = is_folder(argv[i]) ? replay_folder(argv[i])
					   : replay_file(argv[i]);

		if (n <= 0) {
			fprintf(stderr, "%s: nothing replayed\n", argv[i]);
			return 1;
		}
	}
	printf("%d named on the command line were replayed\n", argc - 1);
	return argc > 1 ? 0 : 2;
}
