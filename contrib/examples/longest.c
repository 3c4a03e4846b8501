/* The longest line so far. Build it with: cc -o longest longest.c */
#include <stdio.h>
#include <string.h>

int
main(void)
{
	char line[4096], longest[sizeof(line)] = "";

	setvbuf(stdout, NULL, _IOLBF, 0); /* flush at every newline */
	while (fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strlen(line) > strlen(longest))
			memcpy(longest, line, sizeof(line));
		printf("%zu %s\n", strlen(longest), longest);
	}
	return 0;
}
